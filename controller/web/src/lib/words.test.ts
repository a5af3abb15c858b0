import { describe, expect, it } from "vitest";
import { addDays, civilTime, daysBetween, instantOf, today, weekday } from "./civil";
import { at, say, ZONE } from "./testing";
import { ago, civilMoment, dayWords, duration, moment, partOfDay, stopwatch } from "./words";

const NOW = at("2026-11-26T10:28");

describe("a time", () => {
  it("is said the Vietnamese way", () => {
    expect(moment(say, at("2026-11-27T05:30"), NOW, ZONE)).toBe("05:30 sáng mai");
    expect(moment(say, at("2026-11-26T17:00"), NOW, ZONE)).toBe("17:00 chiều nay");
    expect(moment(say, at("2026-11-25T19:00"), NOW, ZONE)).toBe("19:00 tối qua");
    expect(moment(say, at("2026-12-04T05:30"), NOW, ZONE)).toBe("05:30 sáng thứ sáu 4/12");
    expect(civilMoment(say, "2027-01-02T12:15", NOW, ZONE)).toBe("12:15 trưa thứ bảy 2/1/2027");
  });
  it("belongs to a part of the day that nobody takes for another", () => {
    expect([0, 3, 4, 10, 11, 12, 13, 17, 18, 21, 22, 23].map(partOfDay)).toEqual([
      "small", "small", "morning", "morning", "noon", "noon", "afternoon", "afternoon", "evening", "evening", "night", "night",
    ]);
  });
  it("is the office's, wherever the phone is", () => {
    // 23:30 UTC is already tomorrow in the village.
    const late = Date.parse("2026-11-26T23:30:00Z");
    expect(today(late, ZONE)).toBe("2026-11-27");
    expect(civilTime(late, ZONE)).toBe("2026-11-27T06:30");
    expect(instantOf("2026-11-27T06:30", ZONE)).toBe(late);
  });
  it("survives clocks that jump elsewhere", () => {
    expect(new Date(instantOf("2026-07-01T12:00", "Europe/Berlin")).toISOString()).toBe("2026-07-01T10:00:00.000Z");
    expect(new Date(instantOf("2026-12-01T12:00", "Europe/Berlin")).toISOString()).toBe("2026-12-01T11:00:00.000Z");
    // 02:30 does not exist on this night; it is taken after the gap.
    expect(new Date(instantOf("2026-03-29T02:30", "Europe/Berlin")).toISOString()).toBe("2026-03-29T01:30:00.000Z");
    expect(instantOf("tomorrow", ZONE)).toBeNaN();
  });
});

describe("a day", () => {
  it("has a word when it is near, and a date when it is not", () => {
    expect(dayWords(say, "2026-11-26", "2026-11-26")).toBe("hôm nay");
    expect(dayWords(say, "2026-11-27", "2026-11-26")).toBe("ngày mai");
    expect(dayWords(say, "2026-11-29", "2026-11-26")).toBe("chủ nhật 29/11");
  });
  it("is counted over the ends of months and years", () => {
    expect(addDays("2026-12-31", 1)).toBe("2027-01-01");
    expect(daysBetween("2026-11-26", "2026-12-01")).toBe(5);
    expect(weekday("2026-11-26")).toBe(4);
  });
});

describe("a length", () => {
  it("is said in seconds, minutes, hours", () => {
    expect(duration(say, 42)).toBe("42 giây");
    expect(duration(say, 125)).toBe("2 phút 5 giây");
    expect(duration(say, 120)).toBe("2 phút");
    expect(duration(say, 3780)).toBe("1 giờ 3 phút");
    expect(stopwatch(65.9)).toBe("1:05");
  });
  it("of time gone by is rounded", () => {
    expect(ago(say, NOW - 10_000, NOW)).toBe("vừa xong");
    expect(ago(say, NOW - 20_000_000, NOW)).toBe("6 giờ trước");
    expect(ago(say, NOW + 5_000, NOW)).toBe("vừa xong");
  });
});
