/// Pole by pole falling silent: what was sounding, what sounds still, and since when not. Pure.
import type { NowSpeaker } from "../api/types";

/// `quiet`: did not sound when the button was held. `unknown`: no word from it, so nothing is claimed.
export type PoleState = "sounding" | "silent" | "quiet" | "unknown";
export interface Pole {
  speaker: string;
  name: string;
  state: PoleState;
  /// What it was saying.
  bulletin: string | null;
  title: string | null;
  /// When it was seen silent, in ms.
  silentAt: number | null;
}

/// The next picture, from the last one and a reading of `/now`. `ordered`: the office has the order.
export function falling(before: Pole[], now: NowSpeaker[], at: number, ordered: boolean): Pole[] {
  const known = new Map(before.map((pole) => [pole.speaker, pole]));
  const poles = now.map((s): Pole => {
    const was = known.get(s.speaker);
    const base = { speaker: s.speaker, name: s.name };
    if (s.sounding) {
      const { bulletin, title } = s.sounding;
      // Its last word; whether it still sounds nobody knows.
      const state = s.presence === "online" ? "sounding" : "unknown";
      return { ...base, state, bulletin, title, silentAt: null };
    }
    const said = { bulletin: was?.bulletin ?? null, title: was?.title ?? null };
    if (s.presence !== "online") return { ...base, ...said, state: "unknown", silentAt: null };
    if (was && (was.state === "sounding" || (was.state === "unknown" && was.title)) && ordered)
      return { ...base, ...said, state: "silent", silentAt: at };
    if (was?.state === "silent") return { ...was, name: s.name };
    return { ...base, ...said, state: said.title && !ordered ? "silent" : "quiet", silentAt: null };
  });
  const rank: Record<PoleState, number> = { sounding: 0, unknown: 1, silent: 2, quiet: 3 };
  return poles.sort((a, b) => rank[a.state] - rank[b.state] || a.name.localeCompare(b.name, "vi"));
}

/// The bulletins that were cut: to correct or cancel.
export function cut(poles: Pole[]): { bulletin: string; title: string }[] {
  const found = new Map<string, string>();
  for (const pole of poles) if (pole.bulletin && pole.title) found.set(pole.bulletin, pole.title);
  return [...found].map(([bulletin, title]) => ({ bulletin, title }));
}
