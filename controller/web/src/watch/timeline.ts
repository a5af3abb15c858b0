/// A speaker's presence as stretches of time, and what happened on it, as a picture needs it. Pure.
import { addDays, civil, clockOf, dateOf, instantOf } from "$/lib/civil";
import type { Cause, OutageView, Watch } from "./types";

export interface Span {
  from: number;
  to: number;
}
export type Range = "day" | "week" | "month";
export const RANGES: Range[] = ["day", "week", "month"];
const DAY_MS = 86_400_000;
const LENGTH: Record<Range, number> = { day: DAY_MS, week: 7 * DAY_MS, month: 30 * DAY_MS };

export function spanOf(range: Range, now: number): Span {
  return { from: now - LENGTH[range], to: now };
}

export type StretchKind =
  /// It could be reached.
  | "there"
  /// It could not.
  | "gone"
  /// The office itself was away: nobody knows.
  | "unmeasured"
  /// It was not there yet, or was never heard.
  | "before";

export interface Stretch extends Span {
  kind: StretchKind;
  cause: Cause | null;
  told: boolean;
  /// It lasts.
  open: boolean;
}

/// From when on it can be told that it was there or not; `null`: it never reported. Added to the list and put up later, it was not
/// there in between: its first run of all says when it began.
export function firstSeen(watch: Pick<Watch, "facts" | "runs" | "outages">, made: number): number | null {
  if (watch.facts.connected.why === "never_seen") return null;
  const began = watch.runs.filter((run) => run.ended === "first").map((run) => Date.parse(run.at));
  const first = Math.min(...began);
  const isAnew = watch.runs.some((run) => Date.parse(run.at) < first) || watch.outages.some((o) => Date.parse(o.began) < first);
  return began.length > 0 && !isAnew ? Math.max(made, first) : made;
}

/// The whole span, without holes: where nothing is told of an outage, the speaker was there. `first`: from `firstSeen`.
export function stretches(outages: OutageView[], span: Span, first: number | null): Stretch[] {
  const found: Stretch[] = [];
  const add = (from: number, to: number, more: Omit<Stretch, "from" | "to">) => {
    if (to > from) found.push({ from, to, ...more });
  };
  const plain = { cause: null, told: false, open: false };
  let at = Math.min(span.to, Math.max(span.from, first ?? span.to));
  add(span.from, at, { kind: "before", ...plain });
  const sorted = outages
    .map((o) => ({ ...o, from: Date.parse(o.began), to: o.ended === null ? span.to : Date.parse(o.ended) }))
    .sort((a, b) => a.from - b.from);
  for (const o of sorted) {
    const from = Math.max(at, o.from);
    const to = Math.min(span.to, o.to);
    if (to <= from) continue;
    add(at, from, { kind: "there", ...plain });
    add(from, to, { kind: o.cause === "office" ? "unmeasured" : "gone", cause: o.cause, told: o.told, open: o.ended === null });
    at = to;
  }
  add(at, span.to, { kind: "there", ...plain });
  return found;
}

export interface Gone {
  times: number;
  seconds: number;
  longest_s: number;
  /// Of the span, how long it was measured.
  measured_s: number;
}
/// How often and how long it was gone within the stretches.
export function gone(all: Stretch[]): Gone {
  const sum: Gone = { times: 0, seconds: 0, longest_s: 0, measured_s: 0 };
  for (const one of all) {
    const seconds = (one.to - one.from) / 1000;
    if (one.kind === "gone" || one.kind === "there") sum.measured_s += seconds;
    if (one.kind !== "gone") continue;
    sum.times += 1;
    sum.seconds += seconds;
    sum.longest_s = Math.max(sum.longest_s, seconds);
  }
  return sum;
}

export interface Tick {
  at: number;
  /// `HH:MM`, or the civil date.
  clock: string | null;
  date: string;
}
/// Where the axis is written on: every six hours of a day, every day of a week, every fifth day of a month from its first on, so
/// that a tick stays where it is when a day goes by.
export function ticks(range: Range, span: Span, zone: string): Tick[] {
  const found: Tick[] = [];
  const clocks = range === "day" ? ["00:00", "06:00", "12:00", "18:00"] : ["00:00"];
  for (let date = dateOf(civil(span.from, zone)); instantOf(`${date}T00:00`, zone) <= span.to; date = addDays(date, 1)) {
    const day = Number(date.slice(8));
    if (range === "month" && ((day - 1) % 5 !== 0 || day > 26)) continue;
    for (const clock of clocks) {
      const at = instantOf(`${date}T${clock}`, zone);
      if (at > span.from && at < span.to) found.push({ at, clock: range === "day" ? clockOf(civil(at, zone)) : null, date });
    }
  }
  return found;
}

/// Where `at` stands in a picture `width` wide.
export function place(at: number, span: Span, width: number): number {
  return ((at - span.from) / (span.to - span.from)) * width;
}

export interface Heap<T> {
  x: number;
  things: T[];
}
/// Things that would stand on each other are one sign with a number. Latest last.
export function heaps<T>(things: T[], at: (thing: T) => number, span: Span, width: number, near: number): Heap<T>[] {
  const found: Heap<T>[] = [];
  const seen = things.filter((one) => at(one) >= span.from && at(one) <= span.to).sort((a, b) => at(a) - at(b));
  for (const one of seen) {
    const x = place(at(one), span, width);
    const last = found.at(-1);
    if (last && x - last.x < near) last.things.push(one);
    else found.push({ x, things: [one] });
  }
  return found;
}
