/// Where each item lies on a speaker's line of one day: place, width and lane, so that no label covers another.
import { minutesFrom, stretches } from "./minutes";
import type { DayItem, DaysSpeaker } from "$/api/types";

const DAY_MIN = 24 * 60;

export interface Scale {
  date: string;
  zone: string;
  /// Width of the whole day, in pixels.
  width: number;
}

export interface Placed {
  item: DayItem;
  /// Pixels from midnight.
  left: number;
  /// Of the box that carries the label and takes the finger.
  box: number;
  /// Of what really sounds; at least 3, so that it is seen.
  bar: number;
  lane: number;
}

export interface Line {
  placed: Placed[];
  lanes: number;
}

/// The narrowest box: a finger's target.
const LEAST = 28;
/// The widest a label makes it, when there is room.
const LABEL = 168;
const GAP = 2;

/// The stretch of this day, in minutes, that an item takes; `null` when it lies on another day.
export function span(item: DayItem, date: string, zone: string): { from: number; to: number } | null {
  const from = minutesFrom(date, item.starts ?? item.planned, zone);
  const to = item.ends === null ? from : Math.max(from, minutesFrom(date, item.ends, zone));
  if (from >= DAY_MIN || (to <= 0 && from < 0)) return null;
  return { from: Math.max(0, from), to: Math.min(DAY_MIN, to) };
}

export function layOut(items: DayItem[], scale: Scale): Line {
  const perMinute = scale.width / DAY_MIN;
  const placed: Placed[] = [];
  const ends: number[] = [];
  const spans = items
    .map((item) => ({ item, span: span(item, scale.date, scale.zone) }))
    .filter((s): s is { item: DayItem; span: { from: number; to: number } } => s.span !== null)
    .sort((a, b) => a.span.from - b.span.from || a.item.planned.localeCompare(b.item.planned));
  for (const { item, span } of spans) {
    const bar = Math.max(3, (span.to - span.from) * perMinute);
    const box = Math.max(LEAST, bar);
    // The last minutes of a day keep their box inside it.
    const left = Math.min(span.from * perMinute, scale.width - box);
    let lane = ends.findIndex((end) => end + GAP <= left);
    if (lane < 0) lane = ends.length;
    ends[lane] = left + box;
    placed.push({ item, left, box, bar, lane });
  }
  widen(placed, scale.width);
  return { placed, lanes: Math.max(1, ends.length) };
}

/// Gives a label the room until the next of its lane.
function widen(placed: Placed[], width: number) {
  const next = new Map<number, number>();
  for (const one of [...placed].reverse()) {
    const until = (next.get(one.lane) ?? width + GAP) - GAP;
    one.box = Math.max(one.box, Math.min(LABEL, until - one.left));
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
