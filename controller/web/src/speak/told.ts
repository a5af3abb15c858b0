/// Who heard it, as far as the poles have told by now. Pure.
import type { CallPole, CallView } from "$/api/types";

/// `null`: no pole that is there has told of it yet. They do when they have fallen silent, a moment after the last word.
export function told(view: CallView | null): { live: number; later: number; of: number } | null {
  const poles = view?.poles ?? [];
  if (view?.state !== "ended" || poles.length === 0) return null;
  if (poles.some((one) => one.online) && poles.every((one) => one.outcome === null)) return null;
  const live = poles.filter((one) => one.heard === "live").length;
  // One that is there and has told nothing yet may have heard it live.
  const waits = (one: CallPole) => one.heard === "waiting" && (one.outcome !== null || !one.online);
  const later = poles.filter((one) => one.heard === "later" || waits(one)).length;
  return { live, later, of: view.of };
}
