/// Months of the office's calendar: which one is meant, which can be chosen, what they are called. Pure.
import { addDays, type CivilDate } from "$/lib/civil";
import type { Tongue } from "./tongue";

/// `2026-11`
export type Month = string;

const MONTH = /^\d{4}-(0[1-9]|1[0-2])$/;
/// Until this day of a month, the one that has just ended is what people come for: it has to be signed.
const SIGNING_DAYS = 10;

export const isMonth = (text: string): text is Month => MONTH.test(text);
export const monthOf = (date: CivilDate): Month => date.slice(0, 7);

export function step(month: Month, by: number): Month {
  const [year = 0, m = 1] = month.split("-").map(Number);
  const n = year * 12 + (m - 1) + by;
  return `${String(Math.floor(n / 12)).padStart(4, "0")}-${String((n % 12) + 1).padStart(2, "0")}`;
}
export const firstDay = (month: Month): CivilDate => `${month}-01`;
export const lastDay = (month: Month): CivilDate => addDays(firstDay(step(month, 1)), -1);

/// The month that is shown when none was asked for.
export function usual(today: CivilDate): Month {
  const month = monthOf(today);
  return Number(today.slice(8, 10)) <= SIGNING_DAYS ? step(month, -1) : month;
}

/// Latest first, two years back; and the chosen one, should it be older.
export function choices(today: CivilDate, chosen: Month): Month[] {
  const all = Array.from({ length: 25 }, (_, back) => step(monthOf(today), -back));
  return all.includes(chosen) ? all : [...all, chosen].sort().reverse();
}

/// "Tháng 11 năm 2026".
export function monthName({ r, language }: Pick<Tongue, "r" | "language">, month: Month): string {
  const [year = 0, m = 1] = month.split("-").map(Number);
  const name = new Intl.DateTimeFormat(language, { month: "long", timeZone: "UTC" }).format(Date.UTC(year, m - 1, 15));
  // Browsers differ in how they begin it.
  return r("month.name", { month: name.charAt(0).toLocaleUpperCase(language) + name.slice(1), year });
}

/// The part of the month that has been: its first and its last day, or `null` when it has not begun.
export function days(month: Month, today: CivilDate): { from: CivilDate; to: CivilDate } | null {
  if (firstDay(month) > today) return null;
  return { from: firstDay(month), to: lastDay(month) < today ? lastDay(month) : today };
}
