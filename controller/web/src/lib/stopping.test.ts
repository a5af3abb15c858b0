import { expect, it } from "vitest";
import type { NowSpeaker } from "../api/types";
import { cut, falling } from "./stopping";

const pole = (speaker: string, title: string | null, presence: NowSpeaker["presence"] = "online") =>
  ({
    speaker,
    name: speaker,
    presence,
    sounding: title ? { title, bulletin: `b-${title}`, occurrence: "", since: "" } : null,
  }) as NowSpeaker;
const states = (poles: ReturnType<typeof falling>) => Object.fromEntries(poles.map((p) => [p.speaker, p.state]));

it("poles fall silent one by one, each with its time", () => {
  const first = falling([], [pole("a", "Họp"), pole("b", "Họp"), pole("c", null)], 1_000, false);
  expect(states(first)).toEqual({ a: "sounding", b: "sounding", c: "quiet" });
  const second = falling(first, [pole("a", null), pole("b", "Họp"), pole("c", null)], 2_500, true);
  expect(second.map((p) => [p.speaker, p.state, p.silentAt])).toEqual([
    ["b", "sounding", null],
    ["a", "silent", 2_500],
    ["c", "quiet", null],
  ]);
  const third = falling(second, [pole("a", null), pole("b", null), pole("c", null)], 3_500, true);
  expect(third.find((p) => p.speaker === "a")?.silentAt).toBe(2_500);
  expect(third.find((p) => p.speaker === "b")?.silentAt).toBe(3_500);
});

it("nothing is claimed of a pole without a line", () => {
  const first = falling([], [pole("a", "Họp", "offline"), pole("b", null, "silent")], 0, true);
  expect(states(first)).toEqual({ a: "unknown", b: "unknown" });
  const back = falling(first, [pole("a", null), pole("b", null)], 5_000, true);
  expect(states(back)).toEqual({ a: "silent", b: "quiet" });
});

it("what was cut is named once", () => {
  const poles = falling([], [pole("a", "Họp"), pole("b", "Họp"), pole("c", "Tin")], 0, false);
  expect(cut(poles)).toEqual([
    { bulletin: "b-Họp", title: "Họp" },
    { bulletin: "b-Tin", title: "Tin" },
  ]);
});
