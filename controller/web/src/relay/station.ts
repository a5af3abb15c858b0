/// A station's address and what the office told of it. Pure.
import type { StationTried } from "$/api/types";

/// As the form holds it.
export interface Plan {
  url: string;
  /// A number, as a choice among others is held.
  minutes: string;
  /// The id of a recording, or nothing.
  fallback: string;
  byPoles: boolean;
}
export const newPlan = (): Plan => ({ url: "", minutes: "30", fallback: "", byPoles: false });

const WINDOWS_MIN = [5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240];
/// What is offered, with the one that was chosen elsewhere.
export function windows(chosen: number): number[] {
  return [...new Set([...WINDOWS_MIN, chosen])].sort((a, b) => a - b);
}

/// Below this nobody hears anything.
const SILENT_DBFS = -50;

/// Only what a browser would open, too; the office looks at where it leads.
export function isAddress(text: string): boolean {
  try {
    const { protocol, hostname } = new URL(text.trim());
    return (protocol === "http:" || protocol === "https:") && hostname !== "";
  } catch {
    return false;
  }
}

/// The name that nobody typed: what the station calls itself, or where it is.
export function nameOf(typed: string, address: string, tried: StationTried | null): string {
  return typed.trim() || tried?.title?.trim().slice(0, 80) || new URL(address.trim()).hostname;
}

export function isSilent(tried: StationTried): boolean {
  return tried.ok && (tried.level_dbfs ?? Number.NEGATIVE_INFINITY) < SILENT_DBFS;
}
