import { describe, expect, it } from "vitest";
import { readRule } from "./rule";

describe("a schedule in words", () => {
  it("Monday, Wednesday and Friday until the new year", () => {
    expect(readRule("FREQ=WEEKLY;BYDAY=FR,MO,WE;UNTIL=20270101")).toEqual({
      every: "week",
      interval: 1,
      days: ["MO", "WE", "FR"],
      until: "2027-01-01",
      times: null,
    });
  });

  it("seven named days are every day", () => {
    expect(readRule("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU")).toMatchObject({ every: "day", interval: 1 });
    expect(readRule("FREQ=DAILY;INTERVAL=2;COUNT=5")).toEqual({ every: "day", interval: 2, until: null, times: 5 });
  });

  it("the fifth and the twentieth of a month", () => {
    expect(readRule("FREQ=MONTHLY;BYMONTHDAY=20,5")).toMatchObject({ every: "month", dates: [5, 20] });
  });

  it("what has no plain words is shown as it is", () => {
    for (const text of ["FREQ=MONTHLY;BYDAY=2MO", "FREQ=YEARLY", "FREQ=MONTHLY;BYMONTHDAY=-1", "FREQ=DAILY;BYHOUR=6,18"]) {
      expect(readRule(text)).toEqual({ every: "other", text });
    }
  });
});
