/// From counts to words: shares with what they are shares of, and who comes first when the worst come first. Pure.
import { byName } from "$/desk/fold";
import { number, span, type Tongue } from "./tongue";
import type { Figures, Share } from "./types";

/// Of what was due: what a microphone heard, and what was completed where nothing listens.
export const audible = (f: Figures): Share => ({ of: f.due, good: f.heard + f.unverified });
/// Of the time that was measured.
export const connected = (f: Figures): Share => ({ of: f.measured_s, good: f.connected_s });
/// Of what should have sounded, in seconds.
export const sounded = (f: Figures): Share => ({ of: f.due_s, good: f.sounded_s });
/// Cut off on the way, by whatever.
export const cut = (f: Figures): number => f.interrupted + f.pre_empted;
/// Of the listened-to ones only: what proof there is.
export const proven = (f: Figures): Share => ({ of: f.heard + f.not_heard, good: f.heard });

/// 0 to 1; `null`: no figure, because there was nothing to count.
export function part(share: Share): number | null {
  return share.of > 0 ? share.good / share.of : null;
}

/// "95,6 %". Rounded, but never up to 100 nor down to 0: one that was missed is seen.
export function percent(tongue: Pick<Tongue, "language" | "r">, share: Share): string {
  const p = part(share);
  if (p === null) return tongue.r("no_figure");
  let tenths = Math.round(p * 1000);
  if (p < 1) tenths = Math.min(999, tenths);
  if (p > 0) tenths = Math.max(1, tenths);
  return tongue.r("percent", { n: number(tongue, tenths / 10, 1) });
}

/// "95,6 % (2.811 trên 2.940)".
export function shareWords(tongue: Tongue, share: Share): string {
  if (part(share) === null) return tongue.r("no_figure");
  return tongue.r("share", { percent: percent(tongue, share), good: number(tongue, share.good), of: number(tongue, share.of) });
}

/// The same of seconds: "98,2 % (30 ngày trên 31 ngày)".
export function timeShareWords(tongue: Tongue, share: Share): string {
  if (part(share) === null) return tongue.r("no_figure");
  return tongue.r("share", { percent: percent(tongue, share), good: span(tongue, share.good), of: span(tongue, share.of) });
}

/// Of those below each other, the one that needs somebody comes first; who had nothing to do comes last.
export function worstFirst<T extends Figures & { name: string }>(rows: readonly T[]): T[] {
  const rank = (share: Share) => part(share) ?? 2;
  return [...rows].sort((a, b) => rank(audible(a)) - rank(audible(b)) || rank(connected(a)) - rank(connected(b)) || byName(a, b));
}

/// Every due occurrence ended as exactly one of these.
export const ENDINGS = ["heard", "unverified", "not_heard", "missed", "skipped", "interrupted", "pre_empted", "failed", "unreported"] as const;
export type Ending = (typeof ENDINGS)[number];

/// The endings that happened, with their share of what was due.
export function endings(f: Figures): { ending: Ending; share: Share }[] {
  return ENDINGS.map((ending) => ({ ending, share: { of: f.due, good: f[ending] } })).filter(({ share }) => share.good > 0);
}
