import { describe, expect, it } from "vitest";
import { light, someNames, whyNot } from "./readiness";
import type { Lack, ReadySpeaker } from "$/api/types";

const speaker = (name: string, ...lacks: Lack[]): ReadySpeaker => ({
  speaker: name,
  name,
  presence: "online",
  ready: lacks.length === 0,
  lacks,
});

describe("will it play?", () => {
  it("twelve of fourteen is some, fourteen is all, and nobody is said to be nobody", () => {
    expect(light({ ready: 12, of: 14 })).toBe("some");
    expect(light({ ready: 14, of: 14 })).toBe("all");
    expect(light({ ready: 0, of: 14 })).toBe("none");
    expect(light({ ready: 0, of: 0 })).toBe("nobody");
  });

  it("each speaker stands once, under what to mend first", () => {
    const all = [speaker("Loa 1"), speaker("Loa 2", "no_programme", "no_content"), speaker("Loa 3", "no_content"), speaker("Loa 4", "no_content", "muted")];
    expect(whyNot(all).map((w) => [w.lack, w.speakers.map((s) => s.name)])).toEqual([
      ["muted", ["Loa 4"]],
      ["no_programme", ["Loa 2"]],
      ["no_content", ["Loa 3"]],
    ]);
  });

  it("a long list of names is cut", () => {
    expect(someNames(["A", "B", "C", "D", "E"])).toEqual({ names: "A, B, C", more: 2 });
    expect(someNames(["A"])).toEqual({ names: "A", more: 0 });
  });
});
