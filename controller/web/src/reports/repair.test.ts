import { describe, expect, it } from "vitest";
import { doneInOrder, dueWords, inOrder, isOverdue, median, timeToRepair } from "./repair";
import { tongue } from "./testing";
import type { Repair } from "./types";

const repair = (over: Partial<Repair> = {}): Repair => ({
  id: "r1",
  speaker: "loa-1",
  name: "Cầu treo",
  area: "na-lay",
  alert: null,
  what: "Thay nguồn",
  who: null,
  due: null,
  opened: "2026-11-20T08:00:00+07:00",
  opened_by: "Lan",
  done: null,
  done_by: null,
  note: null,
  ...over,
});

describe("repairs stand", () => {
  it("overdue first, then by their day, and without a day last", () => {
    const all = [repair({ id: "none" }), repair({ id: "later", due: "2026-12-01" }), repair({ id: "over", due: "2026-11-23" }), repair({ id: "today", due: "2026-11-26" })];
    expect(inOrder(all).map((r) => r.id)).toEqual(["over", "today", "later", "none"]);
  });
  it("latest first when they are done", () => {
    const all = [repair({ id: "1", done: "2026-11-21T08:00:00Z" }), repair({ id: "2", done: "2026-11-22T08:00:00Z" })];
    expect(doneInOrder(all).map((r) => r.id)).toEqual(["2", "1"]);
  });
});

describe("a repair's day", () => {
  it("is not over before the day is", () => {
    expect(isOverdue(repair({ due: "2026-11-26" }), "2026-11-26")).toBe(false);
    expect(isOverdue(repair({ due: "2026-11-25" }), "2026-11-26")).toBe(true);
    expect(isOverdue(repair({ due: "2026-11-25", done: "2026-11-26T01:00:00Z" }), "2026-11-26")).toBe(false);
  });
  it("is said the way one says it", () => {
    expect(dueWords(tongue, repair({ due: "2026-11-23" }))).toBe("Quá hạn 3 ngày");
    expect(dueWords(tongue, repair({ due: "2026-11-27" }))).toBe("Hạn: ngày mai");
    expect(dueWords(tongue, repair())).toBe("Chưa hẹn ngày");
  });
});

describe("the time to repair", () => {
  it("is the middle one, so that one pole nobody could reach does not hide the rest", () => {
    expect(median([3600, 7200, 900_000])).toBe(7200);
    expect(median([3600, 7200])).toBe(5400);
    expect(median([])).toBeNull();
  });
  it("says of how many, and says so when there is nothing to count", () => {
    expect(timeToRepair(tongue, [repair({ done: "2026-11-21T10:00:00+07:00" }), repair()])).toEqual({
      figure: "26 giờ",
      of: "Một nửa trong 1 việc đã xong gần đây không lâu hơn thế.",
    });
    expect(timeToRepair(tongue, [repair()]).figure).toBe("không có số liệu");
  });
});
