/// One bar a day: where it stands and how high. Pure.
import { part } from "./figures";
import type { Share } from "./types";

export interface Bar {
  x: number;
  width: number;
  /// From the bottom, of `HEIGHT`; `null`: there was nothing to count that day.
  height: number | null;
  /// Below this the day is drawn as one that needs a look.
  low: boolean;
}
export const WIDTH = 400;
export const HEIGHT = 110;
/// A day of which less than this went well is marked.
export const LOW = 0.95;
/// A bar that is not nothing is seen.
const LEAST = 2;

export function bars(shares: Share[]): Bar[] {
  const step = WIDTH / Math.max(1, shares.length);
  return shares.map((share, n) => {
    const p = part(share);
    return {
      x: n * step + step * 0.12,
      width: step * 0.76,
      height: p === null ? null : Math.max(p > 0 ? LEAST : 0, p * HEIGHT),
      low: p !== null && p < LOW,
    };
  });
}
