/// Where one bulletin stands in another's way, and where quiet hours silence one: told in groups of speakers.
import type { DayItem, DaysSpeaker, DaysView } from "$/api/types";

const NOTABLE_MS = 1_000;

export interface Clash {
  /// It waits for the other, is cut by it, or is not said because of it.
  kind: "waits" | "cut" | "not_said";
  bulletin: string;
  title: string;
  planned: string;
  /// The other, when it is known.
  by: { bulletin: string; title: string } | null;
  /// The longest wait, in seconds.
  wait_s: number;
  speakers: string[];
}

export interface Silenced {
  bulletin: string;
  title: string;
  planned: string;
  speakers: string[];
}

const at = (text: string | null) => (text === null ? null : Date.parse(text));

function soundingAt(items: DayItem[], instant: number, but: DayItem): DayItem | null {
  const found = items.find((other) => {
    const [from, to] = [at(other.starts), at(other.ends)];
    return other.bulletin !== but.bulletin && from !== null && to !== null && from <= instant && instant < to;
  });
  return found ?? null;
}

function ofItem(item: DayItem, items: DayItem[]): Omit<Clash, "speakers"> | null {
  const planned = Date.parse(item.planned);
  const base = { bulletin: item.bulletin, title: item.title, planned: item.planned, wait_s: 0 };
  const named = (other: DayItem | null) => other && { bulletin: other.bulletin, title: other.title };
  if (item.reason === "busy" && item.outcome === "skipped") {
    return { ...base, kind: "not_said", by: named(soundingAt(items, planned, item)) };
  }
  const [from, to] = [at(item.starts), at(item.ends)];
  if (from === null || to === null) return null;
  const cutter = items.find((other) => {
    const start = at(other.starts);
    return other.bulletin !== item.bulletin && start !== null && from < start && start < to;
  });
  if (cutter) return { ...base, kind: "cut", by: named(cutter) };
  if (item.outcome === "pre_empted") return { ...base, kind: "cut", by: named(soundingAt(items, to, item)) };
  if (from - planned >= NOTABLE_MS) {
    const other = soundingAt(items, planned, item);
    if (other) return { ...base, kind: "waits", by: named(other), wait_s: Math.round((from - planned) / 1_000) };
  }
  return null;
}

/// Conflicts that are still ahead, earliest first; the same on many speakers is one.
export function clashes(speakers: DaysSpeaker[]): Clash[] {
  const found = new Map<string, Clash>();
  for (const speaker of speakers) {
    for (const item of speaker.items) {
      if (item.past) continue;
      const clash = ofItem(item, speaker.items);
      if (!clash) continue;
      const key = [clash.kind, clash.bulletin, clash.planned, clash.by?.bulletin].join(" ");
      const known = found.get(key);
      if (known) {
        known.speakers.push(speaker.name);
        known.wait_s = Math.max(known.wait_s, clash.wait_s);
      } else {
        found.set(key, { ...clash, speakers: [speaker.name] });
      }
    }
  }
  return [...found.values()].sort((a, b) => Date.parse(a.planned) - Date.parse(b.planned));
}

/// What quiet hours keep from being said, ahead, earliest first.
export function silenced(speakers: DaysSpeaker[]): Silenced[] {
  const found = new Map<string, Silenced>();
  for (const speaker of speakers) {
    for (const item of speaker.items) {
      if (item.past || item.reason !== "quiet_hours") continue;
      const key = `${item.bulletin} ${item.planned}`;
      const known = found.get(key);
      if (known) known.speakers.push(speaker.name);
      else found.set(key, { bulletin: item.bulletin, title: item.title, planned: item.planned, speakers: [speaker.name] });
    }
  }
  return [...found.values()].sort((a, b) => Date.parse(a.planned) - Date.parse(b.planned));
}

/// Is there anything at all on these days?
export function isEmpty(days: DaysView): boolean {
  return days.speakers.every((speaker) => speaker.items.length === 0);
}
