/// Where a bulletin stands: what the office plans of it, joined with what its speakers told. What was heard counts. Pure.
import type { BulletinDetail, BulletinState, PlayoutView } from "$/api/types";
import { instantOf } from "$/lib/civil";
import { progress } from "$/outbox/progress";

export type Standing =
  /// As the office has it.
  | { is: BulletinState }
  | { is: "sounding"; n: number }
  /// Its time has come; this many speakers have still to say it, or to tell of it.
  | { is: "waits"; n: number; said: number }
  /// Said whole on `n` of those that it was for.
  | { is: "said"; n: number; of: number }
  /// It is over, and not one speaker has told of it.
  | { is: "untold" };

/// `seen`: the speakers that this person sees; of others nothing is told to him.
export function standing(b: BulletinDetail, playouts: PlayoutView[], nowMs: number, seen?: Set<string>): Standing {
  if (b.state !== "planned" && b.state !== "ended") return { is: b.state };
  const far = progress(b, playouts);
  if (far.sounding > 0) return { is: "sounding", n: far.sounding };
  const once = b.when.now ?? (b.when.at && instantOf(b.when.at, b.zone));
  // A rule goes on; each of its times is told below.
  if (once === undefined) return { is: b.state };
  const told = far.said + far.not.length + far.live;
  const own = seen ? b.readiness.speakers.filter((one) => seen.has(one.speaker)).length : 0;
  const of = own || far.of;
  const waiting = Math.max(0, of - told);
  const isDue = told > 0 || (typeof once === "string" ? Date.parse(once) : once) <= nowMs;
  if (b.state === "planned" && !isDue) return { is: "planned" };
  if (b.state === "planned" && waiting > 0) return { is: "waits", n: waiting, said: far.said };
  if (told === 0) return of > 0 ? { is: "untold" } : { is: b.state };
  // A recording that everybody had heard live: nothing was left to say.
  if (far.live > 0 && far.live === told + waiting) return { is: b.state };
  return { is: "said", n: far.said, of: told + waiting - far.live };
}

/// Would calling it off change anything?
export function hasMore(at: Standing): boolean {
  return at.is === "planned" || at.is === "paused" || at.is === "awaiting" || at.is === "sounding" || at.is === "waits";
}
