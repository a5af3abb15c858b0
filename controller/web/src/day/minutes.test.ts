import { describe, expect, it } from "vitest";
import { clock, dayAndMinute, minutesFrom, monday, stretches } from "./minutes";

const zone = "Asia/Ho_Chi_Minh";

describe("civil time", () => {
  it("half past five in the hamlet is half past ten the evening before in universal time", () => {
    expect(dayAndMinute("2026-11-25T22:30:00Z", zone)).toEqual({ date: "2026-11-26", minutes: 330 });
  });

  it("what began yesterday evening lies before this day's midnight", () => {
    expect(minutesFrom("2026-11-26", "2026-11-25T16:50:00Z", zone)).toBe(-10);
  });

  it("a night that is an hour shorter somewhere else keeps its clock", () => {
    expect(dayAndMinute("2026-03-29T01:30:00Z", "Europe/Berlin")).toEqual({ date: "2026-03-29", minutes: 210 });
  });

  it("a week begins on its Monday", () => {
    expect(monday("2026-11-26")).toBe("2026-11-23");
    expect(monday("2026-11-29")).toBe("2026-11-23");
    expect(monday("2026-11-23")).toBe("2026-11-23");
  });

  it("quiet hours over midnight shade both ends of the day", () => {
    expect(stretches([{ from: "22:00", to: "05:00" }])).toEqual([
      { from: 0, to: 300 },
      { from: 1320, to: 1440 },
    ]);
    expect(stretches([{ from: "22:00", to: "00:00" }])).toEqual([{ from: 1320, to: 1440 }]);
    expect(stretches([{ from: "00:00", to: "00:00" }])).toEqual([{ from: 0, to: 1440 }]);
  });

  it("a minute of the day reads as a clock", () => {
    expect(clock(330)).toBe("05:30");
    expect(clock(330.9)).toBe("05:30");
    expect(clock(1440)).toBe("00:00");
  });
});
