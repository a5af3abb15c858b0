/// Where an instant lies on a civil day, for whole days of many speakers at once: offsets of a zone are remembered.
import { addDays, daysBetween, weekday } from "$/lib/civil";

const QUARTER_MS = 15 * 60_000;
const DAY_MIN = 24 * 60;
const formats = new Map<string, Intl.DateTimeFormat>();
const offsets = new Map<string, number>();
/// So many offsets are remembered; offsets change only on quarters of an hour.
const REMEMBERED = 20_000;

function parts(at: number, zone: string): number {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
    formats.set(zone, format);
  }
  const read: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(at)) read[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = read;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/// Civil minus universal time, in milliseconds.
function offset(at: number, zone: string): number {
  const quarter = Math.floor(at / QUARTER_MS);
  const key = `${zone} ${quarter}`;
  const known = offsets.get(key);
  if (known !== undefined) return known;
  const start = quarter * QUARTER_MS;
  const ms = parts(start, zone) - start;
  if (offsets.size >= REMEMBERED) offsets.clear();
  offsets.set(key, ms);
  return ms;
}

interface There {
  /// `2026-11-26`.
  date: string;
  /// Since midnight, with seconds as a fraction.
  minutes: number;
}

export function dayAndMinute(at: string | number, zone: string): There {
  const ms = typeof at === "number" ? at : Date.parse(at);
  const local = ms + offset(ms, zone);
  const day = new Date(local).toISOString().slice(0, 10);
  return { date: day, minutes: (local - Date.parse(`${day}T00:00:00Z`)) / 60_000 };
}

/// Minutes from the midnight that begins `date`; negative for the day before.
export function minutesFrom(date: string, at: string | number, zone: string): number {
  const there = dayAndMinute(at, zone);
  return daysBetween(date, there.date) * DAY_MIN + there.minutes;
}

/// The Monday of that week.
export function monday(date: string): string {
  return addDays(date, 1 - weekday(date));
}

/// `05:30` of a minute of the day.
export function clock(minutes: number): string {
  const whole = Math.floor(minutes + 1e-6);
  const two = (n: number) => String(n).padStart(2, "0");
  return `${two(Math.floor(whole / 60) % 24)}:${two(whole % 60)}`;
}

/// The minute of the day that `05:30` names.
export function minuteOf(text: string): number {
  const [hour = 0, minute = 0] = text.split(":").map(Number);
  return hour * 60 + minute;
}

/// Windows of a day as stretches of minutes between 0 and 1440; one over midnight gives two, equal ends the whole day.
export function stretches(windows: { from: string; to: string }[]): { from: number; to: number }[] {
  return windows.flatMap((window) => {
    const from = minuteOf(window.from);
    const to = minuteOf(window.to);
    if (from === to) return [{ from: 0, to: DAY_MIN }];
    if (from < to) return [{ from, to }];
    const both = [
      { from: 0, to },
      { from, to: DAY_MIN },
    ];
    return both.filter((s) => s.to > s.from);
  });
}
