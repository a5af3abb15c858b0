/// Calls, as the office tells of them.
import type { Instant, Priority, Status, Streamed } from "$/api/types";
import type { CallState } from "./protocol";

/// `live`: as it was said. `part`: some of it. `later`: its recording. `waiting`: the recording is on its way. `not`: nothing.
export type Heard = "live" | "part" | "later" | "waiting" | "not";
export interface CallPole {
  speaker: string;
  name: string;
  area_name: string;
  online: boolean;
  heard: Heard;
  live_ms: number;
  outcome: string | null;
  reason: string | null;
  streamed: Streamed | null;
}
export interface CallView {
  id: string;
  title: string;
  targets: string[];
  priority: Priority;
  status: Status;
  state: CallState;
  starts_at: Instant;
  speak_at: Instant;
  delay_ms: number;
  longest_s: number;
  /// `null`: nothing was said yet.
  began: Instant | null;
  ended: Instant | null;
  reason: string | null;
  by: { id: string; name: string | null } | null;
  of: number;
  online: number;
  audio: string | null;
  replay: string | null;
  duration_s: number;
  holes_ms: number;
  /// Not in lists.
  poles?: CallPole[];
}
export interface Calls {
  calls: CallView[];
  next: string | null;
}
