/// What the screen says of a call, from what is known of it. Pure.
import type { Priority } from "$/api/types";
import type { Target } from "$/announce/draft";

/// `hold`: one talks as long as the button is held. `tap`: one tap begins, another ends.
export type Mode = "hold" | "tap";
export type Face =
  | "asking"
  /// The microphone cannot be had.
  | "deaf"
  | "ready"
  | "connecting"
  | "chime"
  | "on_air"
  | "lost"
  | "ending"
  | "ended";

export interface Known {
  mic: "asking" | "open" | "failed";
  /// From the touch to the last word of the office.
  call: "none" | "asked" | "open" | "ending" | "ended";
  /// The button was let go before the office had answered.
  letGo: boolean;
  /// The office's words come.
  isUp: boolean;
  /// The line stood once.
  wasUp: boolean;
  /// ms until speech is heard, by the office's clock; `null`: not known yet.
  untilMs: number | null;
}

export function face(known: Known): Face {
  switch (known.call) {
    case "none":
      return known.mic === "asking" ? "asking" : known.mic === "failed" ? "deaf" : "ready";
    case "asked":
      return known.letGo ? "ending" : "connecting";
    case "ending":
      return "ending";
    case "ended":
      return "ended";
    case "open":
      if (known.wasUp && !known.isUp) return "lost";
      if (!known.isUp || known.untilMs === null) return "connecting";
      return known.untilMs > 0 ? "chime" : "on_air";
  }
}

/// What is spoken sounds now, or is about to: the button ends it.
export function isCalling(at: Face): boolean {
  return at === "connecting" || at === "chime" || at === "on_air" || at === "lost";
}

/// Of the priorities that somebody may speak with, the one that a live call has unless it is chosen.
export function usual(allowed: Priority[]): Priority {
  return allowed.includes("priority") ? "priority" : (allowed[0] ?? "ordinary");
}

/// What was chosen the last time, as far as it is still there and allowed.
export interface Chosen {
  targets: Target[];
  mode: Mode;
  priority: Priority;
}
export function again(kept: Partial<Chosen> | undefined, own: Target[], there: Set<string>, allowed: Priority[]): Chosen {
  const targets = (kept?.targets ?? []).filter((one) => there.size === 0 || there.has(one.channel));
  return {
    targets: targets.length > 0 ? targets : own,
    mode: kept?.mode === "tap" ? "tap" : "hold",
    // An emergency is chosen each time anew.
    priority: kept?.priority && kept.priority !== "emergency" && allowed.includes(kept.priority) ? kept.priority : usual(allowed),
  };
}
