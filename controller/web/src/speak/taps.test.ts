import { expect, it } from "vitest";
import { Taps } from "./taps";

it("a double tap is one tap, however often it is repeated", () => {
  const taps = new Taps();
  expect([0, 120, 500, 900].map((at) => taps.isMeant(at))).toEqual([true, false, false, false]);
  expect(taps.isMeant(1_400)).toBe(true);
});
it("a tap that was to end a call begins none when the call has just ended by itself", () => {
  const taps = new Taps();
  taps.turned(60_000);
  expect(taps.isMeant(60_200)).toBe(false);
  expect(taps.isMeant(60_800)).toBe(true);
});
