/// How far an announcement is, from what the poles reported. What was heard counts, not what was sent. Pure.
import type { BulletinDetail, PlayoutView } from "../api/types";

export interface Progress {
  ready: number;
  of: number;
  sounding: number;
  /// Ended as it should, by the pole's own account.
  said: number;
  /// … and measured by its own microphone.
  heard: number;
  /// … or not heard by it: it played, and no sound came out.
  unheard: number;
  /// Over, but not said whole.
  /// The recording of a live call, where that was heard: nothing to say any more.
  live: number;
  not: { speaker: string; outcome: string; reason: string | null }[];
}

/// Of the newest occurrence on each speaker.
export function progress(bulletin: BulletinDetail, playouts: PlayoutView[]): Progress {
  const newest = new Map<string, PlayoutView>();
  for (const p of playouts) {
    const known = newest.get(p.speaker);
    if (!known || Date.parse(p.planned) > Date.parse(known.planned) || (p.occurrence === known.occurrence && p.attempt > known.attempt))
      newest.set(p.speaker, p);
  }
  const all = [...newest.values()];
  const live = all.filter((p) => p.outcome === "skipped" && p.reason === "heard_live");
  const said = all.filter((p) => p.outcome === "completed");
  return {
    ready: bulletin.readiness.ready,
    of: bulletin.readiness.of,
    sounding: all.filter((p) => p.started && !p.ended && p.outcome === null).length,
    said: said.length,
    heard: said.filter((p) => p.heard === "heard").length,
    live: live.length,
    unheard: said.filter((p) => p.heard === "not_heard").length,
    // Of what was due and not reported nobody knows.
    not: all
      .filter((p) => p.outcome !== null && p.outcome !== "completed" && p.outcome !== "unreported" && !live.includes(p))
      .map(({ speaker, outcome, reason }) => ({ speaker, outcome: outcome ?? "", reason })),
  };
}
