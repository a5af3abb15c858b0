/// Repairs in order and in words: what is overdue first, and how long repairs take. Pure.
import { type CivilDate, daysBetween, today } from "$/lib/civil";
import { dayWords } from "$/lib/words";
import { span, type Tongue } from "./tongue";
import type { Repair } from "./types";

/// By the day it is due, then by how long it waits; what has no day comes after what has one.
export function inOrder(repairs: readonly Repair[]): Repair[] {
  const due = (repair: Repair) => repair.due ?? "9999-12-31";
  return [...repairs].sort((a, b) => due(a).localeCompare(due(b)) || Date.parse(a.opened) - Date.parse(b.opened) || a.id.localeCompare(b.id));
}
/// Latest first.
export function doneInOrder(repairs: readonly Repair[]): Repair[] {
  const done = (repair: Repair) => Date.parse(repair.done ?? repair.opened);
  return [...repairs].sort((a, b) => done(b) - done(a) || a.id.localeCompare(b.id));
}

/// Is its day over?
export function isOverdue(repair: Repair, nowDate: CivilDate): boolean {
  return repair.done === null && repair.due !== null && repair.due < nowDate;
}

/// "Quá hạn 3 ngày", "Hạn: ngày mai", "Chưa hẹn ngày".
export function dueWords({ t, r, now, zone }: Tongue, repair: Repair): string {
  const nowDate = today(now, zone);
  if (repair.due === null) return r("repair.due.none");
  if (isOverdue(repair, nowDate)) return r("repair.due.over", { n: daysBetween(repair.due, nowDate) });
  return r("repair.due", { day: dayWords(t, repair.due, nowDate) });
}

/// How long it took; `null` while it is open.
export function took(repair: Repair): number | null {
  return repair.done === null ? null : Math.max(0, (Date.parse(repair.done) - Date.parse(repair.opened)) / 1000);
}

/// The middle one: half took no longer. `null` of nothing.
export function median(seconds: readonly number[]): number | null {
  const sorted = [...seconds].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  return upper === undefined || lower === undefined ? null : (upper + lower) / 2;
}

/// Time to repair of what was done, in words with what it is counted from.
export function timeToRepair(tongue: Tongue, repairs: readonly Repair[]): { figure: string; of: string } {
  const times = repairs.map(took).filter((time) => time !== null);
  const middle = median(times);
  if (middle === null) return { figure: tongue.r("no_figure"), of: tongue.r("repair.time.none") };
  return { figure: span(tongue, middle), of: tongue.r("repair.time.of", { n: times.length }) };
}
