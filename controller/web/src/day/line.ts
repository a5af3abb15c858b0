/// Where each item lies on a speaker's line of one day: its true length, its label beside it, and a lane in
/// which neither covers another.
import { minutesFrom, stretches } from "./minutes";
import { verdict } from "./verdict";
import type { DayItem, DaysSpeaker } from "$/api/types";

const DAY_MIN = 24 * 60;

export interface Scale {
  date: string;
  zone: string;
  /// Width of the whole day, in pixels.
  width: number;
}

export interface Placed<T extends DayItem = DayItem> {
  item: T;
  /// Pixels from midnight, of the place that takes the finger: the bar, and the label beside it.
  left: number;
  box: number;
  /// Of what really sounds; at least 4, so that it is seen.
  bar: number;
  /// Room for the label; 0: none, the name is read out and in the list.
  label: number;
  /// The day ends soon: the label stands before the bar.
  before: boolean;
  lane: number;
}

export interface Line<T extends DayItem = DayItem> {
  placed: Placed<T>[];
  lanes: number;
}

const LEAST_BAR = 4;
/// The narrowest place: a finger's target.
const LEAST = 28;
/// A label is never wider, and with less room than `SHORT` another lane is taken.
const LABEL = 190;
const SHORT = 84;
const GAP = 4;
/// From here on a label goes without rather than into one more lane.
const LANES = 4;

/// One bulletin said many times in a row is one bar.
export type Joined = DayItem & { times: number };
const ROW_MS = 5 * 60_000;

/// Joins what the same bulletin says again and again, as long as the same became of it.
export function join(items: DayItem[]): Joined[] {
  const found: Joined[] = [];
  const open = new Map<string, Joined>();
  for (const item of [...items].sort((a, b) => Date.parse(a.planned) - Date.parse(b.planned))) {
    const before = open.get(item.bulletin);
    const end = before?.ends ?? before?.planned;
    const follows = before && end && Date.parse(item.starts ?? item.planned) - Date.parse(end) <= ROW_MS;
    if (before && follows && verdict(before) === verdict(item)) {
      before.times += 1;
      before.ends = item.ends ?? before.ends;
      continue;
    }
    const one = { ...item, times: 1 };
    open.set(item.bulletin, one);
    found.push(one);
  }
  return found;
}

/// The stretch of this day, in minutes, that an item takes; `null` when it lies on another day.
export function span(item: DayItem, date: string, zone: string): { from: number; to: number } | null {
  const from = minutesFrom(date, item.starts ?? item.planned, zone);
  const to = item.ends === null ? from : Math.max(from, minutesFrom(date, item.ends, zone));
  if (from >= DAY_MIN || (to <= 0 && from < 0)) return null;
  return { from: Math.max(0, from), to: Math.min(DAY_MIN, to) };
}

/// `wish`: how wide an item's label would like to be, in pixels.
export function layOut<T extends DayItem>(items: T[], scale: Scale, wish: (item: T) => number): Line<T> {
  const perMinute = scale.width / DAY_MIN;
  const placed: Placed<T>[] = [];
  /// Where each lane is free again: of bars, and of labels.
  const ends: { bar: number; label: number }[] = [];
  const spans = items
    .map((item) => ({ item, span: span(item, scale.date, scale.zone) }))
    .filter((s): s is { item: T; span: { from: number; to: number } } => s.span !== null)
    .sort((a, b) => a.span.from - b.span.from || a.item.planned.localeCompare(b.item.planned));
  for (const { item, span } of spans) {
    const bar = Math.max(LEAST_BAR, (span.to - span.from) * perMinute);
    const wished = Math.min(LABEL, wish(item));
    const start = Math.min(span.from * perMinute, scale.width - bar);
    const before = start + bar + wished > scale.width;
    const target = Math.max(LEAST, bar);
    let box = before ? bar + wished : Math.max(target, bar + Math.min(SHORT, wished));
    let left = before ? start + bar - box : start;
    let lane = ends.findIndex((end) => end.label + GAP <= left);
    if (lane < 0 && ends.length >= LANES) {
      // Crowded: bars need room, labels do without.
      if (before) box = target;
      left = before ? start + bar - box : start;
      lane = ends.findIndex((end) => end.bar + GAP <= left);
    }
    if (lane < 0) lane = ends.length;
    ends[lane] = { bar: before ? left + box : left + target, label: left + box };
    placed.push({ item, left, box, bar, label: wished, before, lane });
  }
  widen(placed, scale.width);
  return { placed, lanes: Math.max(1, ends.length) };
}

/// Gives each label what it wishes, as far as the next of its lane leaves room.
function widen(placed: Placed[], width: number) {
  const next = new Map<number, number>();
  for (const one of [...placed].reverse()) {
    if (!one.before) {
      const until = (next.get(one.lane) ?? width + GAP) - GAP;
      one.box = Math.max(Math.min(one.bar + one.label, until - one.left), Math.min(LEAST, until - one.left), one.bar);
    }
    one.label = Math.max(0, one.box - one.bar);
    next.set(one.lane, one.left);
  }
}

/// The quiet hours as stretches in pixels.
export function shades(speaker: Pick<DaysSpeaker, "quiet_hours">, width: number): { left: number; width: number }[] {
  return stretches(speaker.quiet_hours).map(({ from, to }) => ({
    left: (from / DAY_MIN) * width,
    width: ((to - from) / DAY_MIN) * width,
  }));
}

/// Where now is on this day; `null` on another.
export function nowAt(now: number, scale: Scale): number | null {
  const minutes = minutesFrom(scale.date, now, scale.zone);
  return minutes >= 0 && minutes < DAY_MIN ? (minutes / DAY_MIN) * scale.width : null;
}

/// Hours that are named under the line: fewer where there is less room.
export function ticks(width: number): number[] {
  const step = width >= 900 ? 1 : width >= 520 ? 3 : 6;
  return Array.from({ length: 24 / step + 1 }, (_, i) => i * step);
}
