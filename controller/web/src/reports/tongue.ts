/// What the sentences of alerts and reports are made with: the words, the language, the zone and the time.
import { clock, shortDate, type Say } from "$/lib/words";
import { today } from "$/lib/civil";
import { list, type Values } from "$/lib/i18n/fill";

export interface Tongue {
  /// The app's words.
  t: Say;
  /// The words of alerts, repairs and reports.
  r: (key: string, values?: Values) => string;
  language: string;
  zone: string;
  now: number;
}

/// From so many days on the hours are noise.
const DAYS_ALONE = 100;

/// "4 phút", "26 giờ 10 phút", "3 ngày 4 giờ": as exact as one needs it.
export function span(tongue: Pick<Tongue, "r" | "language">, seconds: number): string {
  const { r } = tongue;
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return r("span.s", { s });
  const m = Math.round(s / 60);
  if (m < 60) return r("span.m", { m });
  const h = Math.floor(m / 60);
  if (h < 48) return m % 60 ? r("span.h_m", { h, m: m % 60 }) : r("span.h", { h });
  const hours = Math.round(m / 60);
  const days = Math.floor(hours / 24);
  if (days >= DAYS_ALONE) return r("span.d", { d: number(tongue, days) });
  return hours % 24 ? r("span.d_h", { d: days, h: hours % 24 }) : r("span.d", { d: days });
}

/// "2.811": in the language's own digits.
export function number({ language }: Pick<Tongue, "language">, n: number, digits = 0): string {
  return new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(n);
}

/// "05:12 ngày 26/11/2026": on paper, which is read long after.
export function stamp({ r, zone }: Tongue, at: string): string {
  const ms = Date.parse(at);
  return r("stamp", { time: clock(ms, zone), date: shortDate(today(ms, zone), "") });
}

/// "Loa 1, Loa 2 và 5 loa khác".
export function names({ r, language }: Tongue, all: string[], most = 3): string {
  if (all.length <= most) return list(all, language);
  return r("names.more", { names: all.slice(0, most).join(", "), n: all.length - most });
}
