import { describe, expect, it } from "vitest";
import { choices, days, isMonth, lastDay, monthName, step, usual } from "./month";
import { tongue } from "./testing";

describe("the month that is shown", () => {
  it("is the one to be signed in the first ten days of the next, then the one that runs", () => {
    expect(usual("2026-12-01")).toBe("2026-11");
    expect(usual("2026-12-10")).toBe("2026-11");
    expect(usual("2026-12-11")).toBe("2026-12");
    expect(usual("2027-01-03")).toBe("2026-12");
  });
  it("can be chosen two years back, and an older one that was asked for stays among them", () => {
    expect(choices("2026-11-26", "2026-11")).toHaveLength(25);
    expect(choices("2026-11-26", "2026-11").at(-1)).toBe("2024-11");
    expect(choices("2026-11-26", "2020-01").at(-1)).toBe("2020-01");
  });
  it("is only a month when it is written as one", () => {
    expect(isMonth("2026-11")).toBe(true);
    for (const text of ["", "2026-13", "2026-1", "2026-11-01", "nov"]) expect(isMonth(text), text).toBe(false);
  });
});

describe("a month", () => {
  it("goes over the year's end in both directions", () => {
    expect(step("2026-12", 1)).toBe("2027-01");
    expect(step("2026-01", -1)).toBe("2025-12");
  });
  it("ends when the calendar says", () => {
    expect(lastDay("2026-02")).toBe("2026-02-28");
    expect(lastDay("2028-02")).toBe("2028-02-29");
    expect(lastDay("2026-12")).toBe("2026-12-31");
  });
  it("that runs is shown until today, one to come not at all", () => {
    expect(days("2026-11", "2026-11-26")).toEqual({ from: "2026-11-01", to: "2026-11-26" });
    expect(days("2026-10", "2026-11-26")).toEqual({ from: "2026-10-01", to: "2026-10-31" });
    expect(days("2026-12", "2026-11-26")).toBeNull();
  });
  it("is named as people name it", () => {
    expect(monthName(tongue, "2026-11")).toBe("Tháng 11 năm 2026");
  });
});
