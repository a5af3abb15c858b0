/// A schedule's rule (RFC 5545) taken apart, so that it can be said in words. What we cannot say whole, we do not say by half.

export type Weekday = "MO" | "TU" | "WE" | "TH" | "FR" | "SA" | "SU";
const WEEK: Weekday[] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

export type Rule =
  | { every: "day"; interval: number; until: string | null; times: number | null }
  | { every: "week"; interval: number; days: Weekday[]; until: string | null; times: number | null }
  | { every: "month"; interval: number; dates: number[]; until: string | null; times: number | null }
  | { every: "other"; text: string };

/// 1 is Monday.
export function weekdayNumber(day: Weekday): number {
  return WEEK.indexOf(day) + 1;
}

const isWeekday = (text: string): text is Weekday => (WEEK as string[]).includes(text);

export function readRule(text: string): Rule {
  const parts = new Map<string, string>();
  for (const part of text.replace(/^RRULE:/i, "").split(";")) {
    const [name = "", value = ""] = part.split("=");
    if (name) parts.set(name.toUpperCase(), value.toUpperCase());
  }
  const take = (name: string) => {
    const value = parts.get(name);
    parts.delete(name);
    return value;
  };
  const freq = take("FREQ");
  const interval = Number(take("INTERVAL") ?? 1);
  const untilText = take("UNTIL");
  const until = untilText ? `${untilText.slice(0, 4)}-${untilText.slice(4, 6)}-${untilText.slice(6, 8)}` : null;
  const count = take("COUNT");
  const times = count === undefined ? null : Number(count);
  take("WKST");
  const days = take("BYDAY")?.split(",");
  const dates = take("BYMONTHDAY")?.split(",").map(Number);
  const other: Rule = { every: "other", text };
  if (parts.size > 0) return other;
  if (freq === "DAILY" && !days && !dates) return { every: "day", interval, until, times };
  if ((freq === "WEEKLY" || (freq === "DAILY" && days && interval === 1)) && !dates && (days ?? []).every(isWeekday)) {
    const sorted = ((days ?? []) as Weekday[]).sort((a, b) => weekdayNumber(a) - weekdayNumber(b));
    // Every weekday by name is every day.
    if (sorted.length === 7 && interval === 1) return { every: "day", interval, until, times };
    return { every: "week", interval, days: sorted, until, times };
  }
  if (freq === "MONTHLY" && !days && (dates ?? []).every((n) => n > 0)) {
    return { every: "month", interval, dates: (dates ?? []).sort((a, b) => a - b), until, times };
  }
  return other;
}
