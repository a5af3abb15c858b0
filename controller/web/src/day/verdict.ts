/// What became of a planned start, or will: one word of a closed set, from the speaker's own report.
import type { DayItem } from "$/api/types";

/// A start more than this after its plan is told as late.
export const LATE_MS = 5_000;

export type Verdict =
  /// It sounds at this moment.
  | "sounding"
  /// It was due, and the speaker has told nothing of it: nobody knows.
  | "untold"
  /// It sounded, on time.
  | "played"
  /// It sounded, but began late.
  | "late"
  /// It sounded in part.
  | "cut"
  /// It was not said although it could have been.
  | "missed"
  /// It was not said, by a rule.
  | "skipped"
  | "failed"
  /// The recording of what this speaker has sounded live already.
  | "live"
  /// It will sound.
  | "will"
  /// By what is known now it will not sound.
  | "wont";

export function verdict(item: DayItem): Verdict {
  if (!item.past) {
    if (item.starts === null) return "wont";
    return "will";
  }
  switch (item.outcome) {
    case null:
      return item.starts === null ? "untold" : "sounding";
    case "running":
      return "sounding";
    case "completed":
      return (item.error_ms ?? 0) > LATE_MS ? "late" : "played";
    case "interrupted":
    case "pre_empted":
      return "cut";
    case "skipped":
      return item.reason === "heard_live" ? "live" : "skipped";
    case "missed":
      return "missed";
    case "unreported":
      return "untold";
    default:
      return "failed";
  }
}

/// Did people hear it, or will they? In part counts.
export function sounds(v: Verdict): boolean {
  return v === "sounding" || v === "played" || v === "late" || v === "cut" || v === "will";
}

/// Was there anything to sound?
export function due(v: Verdict): boolean {
  return v !== "live";
}

/// Should somebody look at it?
export function wrong(v: Verdict): boolean {
  return v === "untold" || v === "late" || v === "cut" || v === "missed" || v === "skipped" || v === "failed" || v === "wont";
}

/// Worst first, so that a row of many speakers shows what somebody must know.
const WORST: Verdict[] = ["failed", "missed", "skipped", "untold", "wont", "cut", "late", "sounding", "played", "live", "will"];

export function worst(all: Iterable<Verdict>): Verdict | null {
  const there = new Set(all);
  return WORST.find((v) => there.has(v)) ?? null;
}

/// `+12 ms`, `+3,2 s`: the start's error, in the language's own digits.
export function errorText(ms: number, language: string): string {
  const size = Math.abs(ms);
  const sign = ms < 0 ? "−" : "+";
  const [value, unit, digits] = size < 1_000 ? [size, "ms", 0] : [size / 1_000, "s", size < 60_000 ? 1 : 0];
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: digits as number });
  return `${sign}${number.format(value as number)} ${unit}`;
}
