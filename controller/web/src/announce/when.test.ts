import { describe, expect, it } from "vitest";
import type { WhenBody } from "../api/types";
import { at, say, ZONE } from "../lib/testing";
import { newDraft, type WhenChoice } from "./draft";
import { choiceOf, isPointless, plan, sayWhen, soon } from "./when";

// A Thursday.
const NOW = at("2026-11-26T10:28");
const base = newDraft("d", "2026-11-26", []).when;
const choose = (choice: Partial<WhenChoice>): WhenChoice => ({ ...base, ...choice });
const body = (choice: Partial<WhenChoice>, now = NOW): WhenBody => {
  const planned = plan(choose(choice), now, ZONE);
  if (!planned.ok) throw new Error(planned.problem);
  return planned.body;
};
const problem = (choice: Partial<WhenChoice>) => {
  const planned = plan(choose(choice), NOW, ZONE);
  return planned.ok ? null : planned.problem;
};

describe("what one chose becomes what the office takes", () => {
  it("now", () => expect(body({ kind: "now" })).toEqual({ now: true }));
  it("today and tomorrow, by the day on which it is sent", () => {
    expect(body({ kind: "today", time: "17:00" })).toEqual({ at: "2026-11-26T17:00" });
    expect(body({ kind: "tomorrow", time: "05:30" })).toEqual({ at: "2026-11-27T05:30" });
    expect(body({ kind: "tomorrow", time: "05:30" }, at("2026-11-27T00:10"))).toEqual({ at: "2026-11-28T05:30" });
  });
  it("a time that has passed is no time", () => {
    expect(problem({ kind: "today", time: "10:28" })).toBe("when.past");
    expect(problem({ kind: "date", date: "2026-11-25", time: "05:30" })).toBe("when.past");
    expect(problem({ kind: "today", time: "" })).toBe("when.no_time");
  });
  it("every day, from the next start that is still to come", () => {
    expect(body({ kind: "daily", time: "05:30" })).toEqual({ rrule: "FREQ=DAILY", start: "2026-11-27T05:30" });
    expect(body({ kind: "daily", time: "17:00" })).toEqual({ rrule: "FREQ=DAILY", start: "2026-11-26T17:00" });
    expect(body({ kind: "daily", time: "17:00", from: "2026-12-01", until: "2026-12-10" })).toEqual({
      rrule: "FREQ=DAILY;UNTIL=20261210",
      start: "2026-12-01T17:00",
    });
  });
  it("days of the week begin on one of them", () => {
    expect(body({ kind: "weekly", time: "05:30", days: [5, 1] })).toEqual({
      rrule: "FREQ=WEEKLY;BYDAY=MO,FR",
      start: "2026-11-27T05:30",
    });
    expect(body({ kind: "weekly", time: "05:30", days: [4] }).start).toBe("2026-12-03T05:30");
    expect(body({ kind: "weekly", time: "05:30", days: [1, 2, 3, 4, 5, 6, 7] }).rrule).toBe("FREQ=DAILY");
    expect(problem({ kind: "weekly", time: "05:30", days: [] })).toBe("when.no_days");
    expect(problem({ kind: "weekly", time: "05:30", days: [4], until: "2026-12-01" })).toBe("when.until_before");
  });
  it("only exceptions that matter are sent", () => {
    const except = ["2026-12-05", "2026-11-20", "2026-12-01", "2027-01-01"];
    expect(body({ kind: "daily", time: "05:30", until: "2026-12-31", except }).except).toEqual(["2026-12-01", "2026-12-05"]);
  });
});

describe("a plan in words", () => {
  const words = (b: WhenBody, skip = false) => sayWhen(say, b, skip, NOW, ZONE);
  it("says it as one would", () => {
    expect(words({ now: true })).toBe("ngay bây giờ");
    expect(words({ at: "2026-11-27T05:30" })).toBe("05:30 sáng mai");
    expect(words(body({ kind: "daily", time: "05:30" }))).toBe("05:30 sáng mỗi ngày");
    expect(words(body({ kind: "weekly", time: "17:00", days: [1, 5], until: "2026-12-18", except: ["2026-12-04"] }), true)).toBe(
      "17:00 chiều vào thứ hai và thứ sáu hằng tuần, đến hết thứ sáu 18/12, trừ 4/12, trừ ngày lễ",
    );
  });
  it("shows a rule of another hand as it is", () => {
    expect(words({ rrule: "FREQ=MONTHLY;BYMONTHDAY=1", start: "2026-12-01T05:30" })).toContain("FREQ=MONTHLY");
  });
});

describe("a plan becomes a choice again", () => {
  it("and is the same plan", () => {
    for (const choice of [
      choose({ kind: "today", time: "17:00" }),
      choose({ kind: "tomorrow", time: "05:30" }),
      choose({ kind: "date", date: "2026-12-24", time: "18:00" }),
      choose({ kind: "daily", time: "05:30", until: "2026-12-24", except: ["2026-12-01"] }),
      choose({ kind: "weekly", time: "05:30", days: [2, 7] }),
    ]) {
      const first = plan(choice, NOW, ZONE);
      if (!first.ok) throw new Error(first.problem);
      const again = choiceOf(first.body, false, base, "2026-11-26");
      expect(again && plan(again, NOW, ZONE)).toEqual(first);
    }
  });
  it("except a rule that this app does not make", () => {
    expect(choiceOf({ rrule: "FREQ=MONTHLY", start: "2026-12-01T05:30" }, false, base, "2026-11-26")).toBeNull();
  });
});

describe("what has no point any more", () => {
  const minutes = (n: number) => NOW + n * 60_000;
  it("now, a quarter of an hour later", () => {
    expect(isPointless({ now: true }, NOW, minutes(15), ZONE)).toBe(false);
    expect(isPointless({ now: true }, NOW, minutes(16), ZONE)).toBe(true);
  });
  it("a time that came while there was no line", () => {
    expect(isPointless({ at: "2026-11-26T11:00" }, NOW, minutes(31), ZONE)).toBe(false);
    expect(isPointless({ at: "2026-11-26T11:00" }, NOW, minutes(32), ZONE)).toBe(true);
  });
  it("a series only when its last day is over", () => {
    const rule = { rrule: "FREQ=DAILY;UNTIL=20261127", start: "2026-11-26T17:00" };
    expect(isPointless(rule, NOW, at("2026-11-27T16:00"), ZONE)).toBe(false);
    expect(isPointless(rule, NOW, at("2026-11-27T17:00"), ZONE)).toBe(true);
    expect(isPointless({ rrule: "FREQ=DAILY", start: "2026-11-26T17:00" }, NOW, at("2030-01-01T00:00"), ZONE)).toBe(false);
  });
});

it("today at: a quarter of an hour that one can still make", () => {
  expect(soon(NOW, ZONE)).toBe("10:45");
  expect(soon(at("2026-11-26T10:41"), ZONE)).toBe("11:00");
});
