/// "Will it play?": the light before air, and why some speakers will not, grouped so that one reads it at a glance.
import type { Lack, Readiness, ReadySpeaker } from "$/api/types";

export type Light = "all" | "some" | "none" | "nobody";

export function light(readiness: Pick<Readiness, "ready" | "of">): Light {
  if (readiness.of === 0) return "nobody";
  if (readiness.ready === readiness.of) return "all";
  return readiness.ready === 0 ? "none" : "some";
}

/// What keeps a speaker silent the longest first: the first that it lacks is the one to mend.
const ORDER: Lack[] = ["muted", "never_reported", "clock_untrusted", "no_programme", "no_content"];

export interface Why {
  lack: Lack;
  speakers: { id: string; name: string }[];
}

/// Each speaker once, under the first thing to mend.
export function whyNot(speakers: ReadySpeaker[]): Why[] {
  const found: Why[] = [];
  for (const lack of ORDER) {
    const here = speakers.filter((s) => !s.ready && ORDER.find((l) => s.lacks.includes(l)) === lack);
    if (here.length > 0) found.push({ lack, speakers: here.map((s) => ({ id: s.speaker, name: s.name })) });
  }
  return found;
}

/// "Loa 1, Loa 2 và 5 loa khác": the first names, and how many are left.
export function someNames(names: string[], most = 3): { names: string; more: number } {
  return { names: names.slice(0, most).join(", "), more: Math.max(0, names.length - most) };
}
