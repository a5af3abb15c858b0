import { describe, expect, it } from "vitest";
import { item } from "./sample";
import { errorText, sounds, verdict, worst } from "./verdict";

describe("what became of it", () => {
  it("on time is played, six seconds after its plan is late", () => {
    expect(verdict(item())).toBe("played");
    expect(verdict(item({ error_ms: 6_000 }))).toBe("late");
  });

  it("a start without an end sounds now", () => {
    expect(verdict(item({ outcome: null, ends: null }))).toBe("sounding");
  });

  it("what was due and is not told of counts as silence", () => {
    const untold = item({ starts: null, ends: null, outcome: null, error_ms: null, sounded_s: null });
    expect(verdict(untold)).toBe("untold");
    expect(sounds(verdict(untold))).toBe(false);
  });

  it("what falls into the quiet hours will not sound", () => {
    const quiet = item({ past: false, starts: null, ends: null, outcome: "skipped", reason: "quiet_hours" });
    expect(verdict(quiet)).toBe("wont");
  });

  it("one speaker that missed it is what a row of many shows", () => {
    expect(worst(["played", "missed", "played"])).toBe("missed");
    expect(worst([])).toBeNull();
  });

  it("an error is told in the digits of the language", () => {
    expect(errorText(12.4, "vi")).toBe("+12 ms");
    expect(errorText(3_240, "vi")).toBe("+3,2 s");
    expect(errorText(-3_240, "en")).toBe("−3.2 s");
  });
});
