/// The board as a screen needs it: searched, counted, and what changed told in few words. Pure.
import { matches } from "$/desk/fold";
import type { BoardChange, BoardSpeaker, ChangeWhat, Severity } from "./types";

export const SEVERITIES: Severity[] = ["critical", "warning", "notice", "ok"];

export function bySeverity(speakers: BoardSpeaker[]): Record<Severity, number> {
  const all: Record<Severity, number> = { critical: 0, warning: 0, notice: 0, ok: 0 };
  for (const one of speakers) all[one.severity] += 1;
  return all;
}

/// In the order they came in: worst first.
export function found(speakers: BoardSpeaker[], query: string, only: Severity | "", areaName: (id: string) => string): BoardSpeaker[] {
  return speakers.filter((s) => (only === "" || s.severity === only) && matches(query, s.name, s.speaker, areaName(s.area), s.cell));
}

/// Where a speaker came back as often as it went down, one line says more than ten.
export interface ChangeLine {
  /// The newest of them.
  change: BoardChange;
  times: number;
}
/// Newest first; the same of the same speaker is one line with a number.
export function changeLines(changes: BoardChange[]): ChangeLine[] {
  const lines = new Map<string, ChangeLine>();
  for (const change of changes) {
    const key = `${change.speaker} ${change.what}`;
    const line = lines.get(key);
    if (line) line.times += 1;
    else lines.set(key, { change, times: 1 });
  }
  return [...lines.values()];
}
/// How many speakers each happened to.
export function changeCounts(changes: BoardChange[]): { what: ChangeWhat; speakers: number }[] {
  const all = new Map<ChangeWhat, Set<string>>();
  for (const { what, speaker } of changes) all.set(what, (all.get(what) ?? new Set()).add(speaker));
  const order: ChangeWhat[] = ["went_down", "mains_gone", "not_heard", "muted", "restarted", "heard_again", "mains_back", "came_back"];
  return order.flatMap((what) => {
    const speakers = all.get(what)?.size ?? 0;
    return speakers > 0 ? [{ what, speakers }] : [];
  });
}

/// Speakers that one mast took away at once, so that forty lines are one event.
export function masts(speakers: BoardSpeaker[]): { cell: string | null; speakers: BoardSpeaker[] }[] {
  const all = new Map<string, BoardSpeaker[]>();
  for (const s of speakers) {
    if (s.cause !== "mast" || s.facts.connected.state !== "no") continue;
    const key = s.cell ?? "";
    all.set(key, [...(all.get(key) ?? []), s]);
  }
  return [...all].map(([cell, list]) => ({ cell: cell || null, speakers: list })).sort((a, b) => b.speakers.length - a.speakers.length);
}
