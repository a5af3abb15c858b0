/// How an item looks and reads: icons and words for what it is and what became of it. A colour never stands alone.
import type { DayItem, Priority, Status } from "$/api/types";
import type { IconName } from "$/components/icons";
import { errorText, type Verdict, verdict } from "./verdict";

/// Its class of colour: what is no actual bulletin is told apart first.
export function tone(item: { priority: Priority; status: Status }): Priority | Exclude<Status, "actual"> {
  return item.status === "actual" ? item.priority : item.status;
}

const KIND_ICONS: Partial<Record<string, IconName>> = {
  exercise: "drill",
  test: "flask",
  emergency: "alarm",
  priority: "up",
};

const VERDICT_ICONS: Record<Verdict, IconName | null> = {
  sounding: "speaker",
  untold: "info",
  played: "check",
  late: "clock",
  cut: "pause",
  missed: "close",
  skipped: "minus",
  failed: "warn",
  live: "live",
  will: null,
  wont: "mute",
};

export function icons(item: DayItem): IconName[] {
  const found = [VERDICT_ICONS[verdict(item)], KIND_ICONS[tone(item)]];
  return found.filter((icon): icon is IconName => !!icon);
}

export function verdictIcon(v: Verdict): IconName | null {
  return VERDICT_ICONS[v];
}

/// "muộn 8,4 giây" and the like go with the start's error.
export function error(ms: number | null, language: string): string | null {
  return ms === null ? null : errorText(ms, language);
}
