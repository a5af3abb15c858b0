/// Times and lengths the way one says them: "05:30 sáng mai", "42 giây". Pure: the time and the dictionary are given.
import { addDays, civil, type Civil, clockOf, type CivilDate, dateOf, parseCivil, today, weekday } from "./civil";
import type { Key } from "./i18n/index.svelte";
import type { Values } from "./i18n/fill";

export type Say = (key: Key, values?: Values) => string;

type Part = "small" | "morning" | "noon" | "afternoon" | "evening" | "night";

export function partOfDay(hour: number): Part {
  if (hour < 4) return "small";
  if (hour < 11) return "morning";
  if (hour < 13) return "noon";
  if (hour < 18) return "afternoon";
  if (hour < 22) return "evening";
  return "night";
}

export function weekdayName(t: Say, date: CivilDate): string {
  return t(`weekday.${weekday(date)}` as Key);
}

/// "27/11", with the year when it is another one.
export function shortDate(date: CivilDate, nowDate: CivilDate): string {
  const [year, month, day] = date.split("-");
  const text = `${Number(day)}/${Number(month)}`;
  return year === nowDate.slice(0, 4) ? text : `${text}/${year}`;
}

/// "hôm nay", "ngày mai", "thứ sáu 27/11".
export function dayWords(t: Say, date: CivilDate, nowDate: CivilDate): string {
  if (date === nowDate) return t("day.today");
  if (date === addDays(nowDate, 1)) return t("day.tomorrow");
  if (date === addDays(nowDate, -1)) return t("day.yesterday");
  return t("day.other", { weekday: weekdayName(t, date), date: shortDate(date, nowDate) });
}

/// "05:30 sáng mai", "17:00 chiều nay", "05:30 sáng thứ sáu 27/11".
function momentOf(t: Say, c: Civil, nowDate: CivilDate): string {
  const time = clockOf(c);
  const date = dateOf(c);
  const part = t(`part.${partOfDay(c.hour)}`);
  if (date === nowDate) return t("moment.today", { time, part });
  if (date === addDays(nowDate, 1)) return t("moment.tomorrow", { time, part });
  if (date === addDays(nowDate, -1)) return t("moment.yesterday", { time, part });
  return t("moment.other", { time, part, day: dayWords(t, date, nowDate) });
}

export function moment(t: Say, atMs: number, nowMs: number, zone: string): string {
  return momentOf(t, civil(atMs, zone), today(nowMs, zone));
}
/// Of a civil time (`2026-11-27T05:30`).
export function civilMoment(t: Say, text: string, nowMs: number, zone: string): string {
  const c = parseCivil(text);
  return c ? momentOf(t, c, today(nowMs, zone)) : text;
}
/// "05:30 sáng"
export function timeOfDay(t: Say, time: string): string {
  return t("moment.time", { time, part: t(`part.${partOfDay(Number(time.slice(0, 2)))}`) });
}
/// "05:30"
export function clock(atMs: number, zone: string): string {
  return clockOf(civil(atMs, zone));
}

/// "42 giây", "2 phút 5 giây", "1 giờ 3 phút".
export function duration(t: Say, seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return t("duration.s", { s });
  const m = Math.floor(s / 60);
  if (m < 60) return s % 60 ? t("duration.m_s", { m, s: s % 60 }) : t("duration.m", { m });
  const h = Math.floor(m / 60);
  return m % 60 ? t("duration.h_m", { h, m: m % 60 }) : t("duration.h", { h });
}

/// "0,4": tenths, in the language's own digits.
export function tenths(ms: number, language: string): string {
  return new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(ms / 1_000);
}

/// "vừa xong", "3 phút trước", "2 giờ trước", "hôm qua"…
export function ago(t: Say, atMs: number, nowMs: number): string {
  const s = Math.max(0, Math.round((nowMs - atMs) / 1000));
  if (s < 45) return t("ago.now");
  if (s < 90 * 60) return t("ago.m", { m: Math.max(1, Math.round(s / 60)) });
  if (s < 36 * 3600) return t("ago.h", { h: Math.round(s / 3600) });
  return t("ago.d", { d: Math.round(s / 86_400) });
}

/// "0:42", "12:05": for players.
export function stopwatch(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
}

export function bytes(n: number): string {
  if (n < 1_000_000) return `${Math.max(1, Math.round(n / 1_000))} KB`;
  return `${(n / 1_000_000).toFixed(1).replace(".", ",")} MB`;
}
