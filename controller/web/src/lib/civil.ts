/// Civil time in the office's zone: what the clock on the commune's wall says, wherever this phone is. Pure.

export interface Civil {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
}
/// `2026-11-26`
export type CivilDate = string;
/// `2026-11-26T05:30`
export type CivilTime = string;

export const OFFICE_ZONE = "Asia/Ho_Chi_Minh";
const DAY_MS = 86_400_000;

const formats = new Map<string, Intl.DateTimeFormat>();
function format(zone: string): Intl.DateTimeFormat {
  let known = formats.get(zone);
  if (!known) {
    known = new Intl.DateTimeFormat("en-GB", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
    });
    formats.set(zone, known);
  }
  return known;
}

export function civil(atMs: number, zone: string): Civil {
  const part: Record<string, number> = {};
  for (const { type, value } of format(zone).formatToParts(atMs)) part[type] = Number(value);
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0 } = part;
  return { year, month, day, hour, minute };
}

const two = (n: number) => String(n).padStart(2, "0");

export function dateOf(c: Civil): CivilDate {
  return `${String(c.year).padStart(4, "0")}-${two(c.month)}-${two(c.day)}`;
}
export function clockOf(c: Civil): string {
  return `${two(c.hour)}:${two(c.minute)}`;
}
export function civilTime(atMs: number, zone: string): CivilTime {
  const c = civil(atMs, zone);
  return `${dateOf(c)}T${clockOf(c)}`;
}
export function today(nowMs: number, zone: string): CivilDate {
  return dateOf(civil(nowMs, zone));
}

export function parseCivil(text: CivilTime): Civil | null {
  const m = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2}))?/.exec(text);
  if (!m) return null;
  const [year, month, day, hour, minute] = m.slice(1).map((x) => Number(x ?? 0));
  return { year: year ?? 0, month: month ?? 0, day: day ?? 0, hour: hour ?? 0, minute: minute ?? 0 };
}

/// The instant of a civil time; one that a clock change skips is taken after the gap. `NaN` for nonsense.
export function instantOf(text: CivilTime, zone: string): number {
  const c = parseCivil(text);
  if (!c) return Number.NaN;
  const asUtc = Date.UTC(c.year, c.month - 1, c.day, c.hour, c.minute);
  const offset = (atMs: number) => {
    const there = civil(atMs, zone);
    const shown = Date.UTC(there.year, there.month - 1, there.day, there.hour, there.minute);
    return shown - Math.floor(atMs / 60_000) * 60_000;
  };
  const first = asUtc - offset(asUtc);
  return asUtc - offset(first);
}

export function addDays(date: CivilDate, days: number): CivilDate {
  const c = parseCivil(date);
  if (!c) return date;
  return new Date(Date.UTC(c.year, c.month - 1, c.day) + days * DAY_MS).toISOString().slice(0, 10);
}
export function daysBetween(from: CivilDate, to: CivilDate): number {
  return Math.round((Date.parse(`${to}T00:00Z`) - Date.parse(`${from}T00:00Z`)) / DAY_MS);
}
/// 1 is Monday, 7 is Sunday.
export function weekday(date: CivilDate): number {
  return ((new Date(`${date}T00:00Z`).getUTCDay() + 6) % 7) + 1;
}
