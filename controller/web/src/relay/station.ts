/// A station's address and what the office told of it. Pure.
import type { StationTried } from "$/api/types";

export const WINDOWS_MIN = [5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240];
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
