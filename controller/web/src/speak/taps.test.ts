import { expect, it } from "vitest";
import { Taps } from "./taps";

it("a double tap is one tap, and however often it is repeated, it begins one call", () => {
  const taps = new Taps();
  expect([0, 120, 500, 900].map((at) => taps.isMeant(at, false))).toEqual([true, false, false, false]);
  expect(taps.isMeant(1_400, false)).toBe(true);
});
it("who taps on and on ends the call, half a second after it began, and begins no other", () => {
  const taps = new Taps();
  expect(taps.isMeant(0, false)).toBe(true);
  taps.turned(20);
  expect([300, 500, 600].map((at) => taps.isMeant(at, true))).toEqual([false, false, true]);
  taps.turned(620);
  expect([900, 1_200, 1_500].map((at) => taps.isMeant(at, false))).toEqual([false, false, false]);
});
it("a tap that was to end a call begins none when the call has just ended by itself", () => {
  const taps = new Taps();
  taps.turned(60_000);
  expect(taps.isMeant(60_200, false)).toBe(false);
  expect(taps.isMeant(60_800, false)).toBe(true);
});
