/// Days that certificates, keys and codes reach to. Pure: time, zone and words are given.
import { civil, dateOf, today } from "$/lib/civil";
import { clock, shortDate } from "$/lib/words";

const DAY_MS = 86_400_000;

/// "27/11/2026", always with its year: it may be far away.
export function dayOf(at: string, zone: string): string {
  const [year, month, day] = dateOf(civil(Date.parse(at), zone)).split("-");
  return `${Number(day)}/${Number(month)}/${year}`;
}
/// "14:05 27/11"
export function instantOf(at: string, nowMs: number, zone: string): string {
  const ms = Date.parse(at);
  return `${clock(ms, zone)} ${shortDate(dateOf(civil(ms, zone)), today(nowMs, zone))}`;
}
export function daysLeft(until: string, nowMs: number): number {
  return Math.floor((Date.parse(until) - nowMs) / DAY_MS);
}
/// Days are counted when they are few.
const COUNTED_DAYS = 120;
/// "27/11/2026 (còn 89 ngày)"
export function untilWords(k: (key: "until.left" | "until.today" | "until.over", values?: Record<string, string | number>) => string, until: string, nowMs: number, zone: string): string {
  const day = dayOf(until, zone);
  const left = daysLeft(until, nowMs);
  if (Date.parse(until) <= nowMs) return k("until.over", { day });
  if (left > COUNTED_DAYS) return day;
  return left < 1 ? k("until.today", { day, time: clock(Date.parse(until), zone) }) : k("until.left", { day, n: left });
}
