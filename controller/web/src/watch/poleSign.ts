/// What a pole is on the map: what the board judges of it, joined with what it sounds at this moment. Pure.
import type { NowSpeaker } from "$/api/types";
import type { PoleSign } from "$/desk/poleIcon";
import type { Severity } from "./types";

/// Without a judgement (the board was not read yet) its presence alone says how pressing it is.
export function severityOf(s: Pick<NowSpeaker, "presence">, judged: Severity | undefined): Severity {
  if (judged) return judged;
  return { online: "ok", silent: "warning", offline: "critical" }[s.presence] as Severity;
}

export function poleSign(s: Pick<NowSpeaker, "presence" | "muted" | "sounding">, judged: Severity | undefined): PoleSign {
  const severity = severityOf(s, judged);
  if (severity === "critical") return severity;
  if (s.sounding) return "sounding";
  return s.muted ? "muted" : severity;
}

/// Worst first, as a legend counts them.
export const SIGNS: PoleSign[] = ["critical", "warning", "muted", "notice", "sounding", "ok"];
