/// Playouts of one bulletin gathered by the time they were planned for.
import type { PlayoutView } from "$/api/types";
import { due, sounds, type Verdict, verdict } from "$/day/verdict";

export interface Occasion {
  planned: string;
  playouts: PlayoutView[];
  sounded: number;
  of: number;
}

export function verdictOf(p: PlayoutView): Verdict {
  return verdict({ ...p, past: true, starts: p.started, ends: p.ended });
}

/// Latest first; within one, what went wrong first, then by speaker.
export function occasions(playouts: PlayoutView[]): Occasion[] {
  const found = new Map<string, Occasion>();
  // Pages that were read at different times may overlap.
  const each = new Map(playouts.map((p) => [`${p.speaker} ${p.occurrence} ${p.attempt}`, p]));
  for (const one of each.values()) {
    let at = found.get(one.planned);
    if (!at) {
      at = { planned: one.planned, playouts: [], sounded: 0, of: 0 };
      found.set(one.planned, at);
    }
    at.playouts.push(one);
  }
  for (const at of found.values()) {
    // An emergency that was said again after a power cut is one speaker, not two.
    // Who heard it live had nothing to say.
    const speakers = new Set(at.playouts.filter((p) => due(verdictOf(p))).map((p) => p.speaker));
    const heard = new Set(at.playouts.filter((p) => sounds(verdictOf(p))).map((p) => p.speaker));
    at.of = speakers.size;
    at.sounded = heard.size;
    const rank = (p: PlayoutView) => (sounds(verdictOf(p)) || !due(verdictOf(p)) ? 1 : 0);
    at.playouts.sort((a, b) => rank(a) - rank(b) || a.speaker.localeCompare(b.speaker));
  }
  return [...found.values()].sort((a, b) => Date.parse(b.planned) - Date.parse(a.planned));
}

/// "05:30:00.012": the real start to the millisecond.
export function wallClock(at: string, zone: string): string {
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    hourCycle: "h23",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    fractionalSecondDigits: 3,
  });
  return format.format(Date.parse(at));
}
