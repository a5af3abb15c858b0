// What GET /days answers.
import type { Presence } from "../desk/types";

export type Priority = "ordinary" | "priority" | "emergency";
export type Status = "actual" | "exercise" | "test";

/** One planned start on one speaker: what became of it, or what will by the pole's own rules. */
export interface DayItem {
  bulletin: string;
  title: string;
  priority: Priority;
  status: Status;
  planned: string;
  /** `null`: it did not, or will not, sound. */
  starts: string | null;
  ends: string | null;
  /** `null`: it sounds at this moment, or waits to go on. */
  outcome: string | null;
  reason: string | null;
  past: boolean;
  error_ms: number | null;
  sounded_s: number | null;
}

export interface QuietWindow {
  from: string;
  to: string;
}

export interface DaySpeaker {
  speaker: string;
  name: string;
  area: string;
  presence: Presence;
  muted: boolean;
  quiet_hours: QuietWindow[];
  items: DayItem[];
}

export interface Days {
  from: string;
  to: string;
  zone: string;
  speakers: DaySpeaker[];
  /** There is more than one answer shows. */
  truncated: boolean;
}
