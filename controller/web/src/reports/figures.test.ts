import { describe, expect, it } from "vitest";
import { audible, endings, percent, shareWords, timeShareWords, worstFirst } from "./figures";
import { figures, tongue } from "./testing";

describe("a share", () => {
  it("always says of how many", () => {
    expect(shareWords(tongue, { of: 2940, good: 2811 })).toBe("95,6 % (2.811 trên 2.940)");
  });
  it("is no figure where there was nothing to count, and neither 0 nor 100 %", () => {
    expect(shareWords(tongue, { of: 0, good: 0 })).toBe("không có số liệu");
    expect(percent(tongue, { of: 0, good: 0 })).toBe("không có số liệu");
  });
  it("is never rounded up to the whole: one that was missed in a province is seen", () => {
    expect(percent(tongue, { of: 100_000, good: 99_999 })).toBe("99,9 %");
    expect(percent(tongue, { of: 100_000, good: 1 })).toBe("0,1 %");
    expect(percent(tongue, { of: 5, good: 5 })).toBe("100 %");
    expect(percent(tongue, { of: 5, good: 0 })).toBe("0 %");
  });
  it("of time is said in days and hours", () => {
    expect(timeShareWords(tongue, { of: 30 * 86_400, good: 29 * 86_400 })).toBe("96,7 % (29 ngày trên 30 ngày)");
  });
});

describe("what was audible", () => {
  it("is what a microphone heard and what was played where nothing listens, but not what a microphone missed", () => {
    expect(audible(figures({ due: 10, completed: 9, heard: 5, unverified: 3, not_heard: 1, missed: 1 }))).toEqual({ of: 10, good: 8 });
  });
  it("does not count a pole that has not told", () => {
    expect(audible(figures({ due: 4, unreported: 4 }))).toEqual({ of: 4, good: 0 });
  });
});

describe("those below each other", () => {
  it("stand worst first, and who had nothing due stands last", () => {
    const row = (name: string, due: number, heard: number, connected_s = 100) => ({ name, ...figures({ due, heard, measured_s: 100, connected_s }) });
    const rows = [row("Nà Lay", 0, 0), row("Loa 10", 10, 9), row("Loa 2", 10, 9), row("Cầu treo", 10, 9, 40), row("Đỉnh dốc", 10, 2)];
    expect(worstFirst(rows).map((r) => r.name)).toEqual(["Đỉnh dốc", "Cầu treo", "Loa 2", "Loa 10", "Nà Lay"]);
  });
});

describe("what became of what was due", () => {
  it("leaves out what never happened", () => {
    const f = figures({ due: 3, heard: 2, missed: 1 });
    expect(endings(f).map((e) => e.ending)).toEqual(["heard", "missed"]);
  });
});
