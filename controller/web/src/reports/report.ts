/// The month's report in sentences: what was due, what was heard, and why the rest was not. Pure.
import { connected, ENDINGS, type Ending, percent, shareWords, sounded, audible, timeShareWords } from "./figures";
import { number, span, type Tongue } from "./tongue";
import type { CauseRow, Figures, Monthly, ReasonRow } from "./types";

/// The totals, a sentence each.
export function totals(tongue: Tongue, f: Figures): string[] {
  const { r } = tongue;
  const n = (count: number) => number(tongue, count);
  const lines = [r("report.speakers", { n: n(f.speakers) })];
  if (f.due === 0) lines.push(r("report.due.none"));
  else {
    lines.push(r("report.audible", { share: shareWords(tongue, audible(f)) }));
    lines.push(r("report.proof", { heard: n(f.heard), unverified: n(f.unverified), not_heard: n(f.not_heard) }));
    if (f.late > 0) lines.push(r("report.late", { n: n(f.late), of: n(f.due) }));
    if (f.due_s > 0) lines.push(r("report.minutes", { due: minutes(tongue, f.due_s), sounded: minutes(tongue, f.sounded_s), percent: percent(tongue, sounded(f)) }));
    if (f.error_p95_ms !== null) lines.push(r("report.error", { error: startError(tongue, f.error_p95_ms) }));
  }
  lines.push(r("report.emergencies", { n: n(f.emergencies) }));
  lines.push(f.measured_s > 0 ? r("report.connected", { share: timeShareWords(tongue, connected(f)) }) : r("report.connected.none"));
  if (f.unmeasured_s > 0) lines.push(r("report.unmeasured", { span: span(tongue, f.unmeasured_s) }));
  return lines;
}

/// Seconds as minutes, as the law counts broadcasting.
export function minutes(tongue: Tongue, seconds: number): string {
  return tongue.r("minutes", { n: number(tongue, seconds / 60, seconds < 600 ? 1 : 0) });
}
export function startError(tongue: Tongue, ms: number): string {
  const { language, r } = tongue;
  if (ms >= 60_000) return span(tongue, ms / 1000);
  return ms < 1000 ? r("error.ms", { n: number({ language }, ms) }) : r("error.s", { n: number({ language }, ms / 1000, 1) });
}

export interface EndingLine {
  ending: Ending;
  n: number;
  /// Why, most often first.
  reasons: { words: string; n: number }[];
}
/// What became of everything that was due. What ended well has no reasons.
export function endingLines(tongue: Tongue, report: Pick<Monthly, "total" | "reasons">): EndingLine[] {
  return ENDINGS.map((ending) => ({
    ending,
    n: report.total[ending],
    reasons: report.reasons
      .filter((row) => row.outcome === ending && row.reason !== null && row.n > 0)
      .sort((a, b) => b.n - a.n)
      .map((row) => ({ words: reasonWords(tongue, row), n: row.n })),
  })).filter((line) => line.n > 0);
}
export function reasonWords({ r }: Tongue, row: ReasonRow): string {
  return row.reason === null ? r("reason.none") : r(`reason.${row.reason}`);
}

/// "mất điện: 2 lần, 3 giờ; mất mạng: 1 lần, 20 phút", the longest first.
export function causeWords(tongue: Tongue, causes: readonly CauseRow[]): string {
  return byLength(causes)
    .map((row) => tongue.r("report.cause", { n: number(tongue, row.n), cause: tongue.r(`cause.short.${row.cause}`), span: span(tongue, row.seconds) }))
    .join("; ");
}
export function byLength(causes: readonly CauseRow[]): CauseRow[] {
  return causes.filter((row) => row.n > 0).sort((a, b) => b.seconds - a.seconds || b.n - a.n);
}

/// How many lines of speakers a page shows (and prints) before one asks for all.
export const SPEAKERS_SHOWN = 200;
