/// Who heard a live call, and who not. Pure.
import type { CallPole, Heard } from "$/api/types";

/// What somebody should look at comes first.
const ORDER: Heard[] = ["not", "part", "waiting", "later", "live"];

export interface HeardBy {
  heard: Heard;
  poles: CallPole[];
}
/// By how they heard it; none of them empty.
export function heardBy(poles: CallPole[]): HeardBy[] {
  const groups = ORDER.map((heard) => ({
    heard,
    poles: poles.filter((one) => one.heard === heard).sort((a, b) => a.name.localeCompare(b.name, "vi")),
  }));
  return groups.filter((group) => group.poles.length > 0);
}

/// Should somebody look at it?
export function isWrong(heard: Heard): boolean {
  return heard === "not" || heard === "part";
}
