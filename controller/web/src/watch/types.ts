/// What the watch reads from the office, under the names that the app uses.
import type { Instant } from "$/api/types";

export type Yes = "yes" | "no" | "unknown";
export interface Fact {
  state: Yes;
  why: string | null;
  since: Instant | null;
}
export interface Facts {
  powered: Fact;
  connected: Fact;
  healthy: Fact;
  audible: Fact;
}
export type FactName = keyof Facts;
export type Severity = "ok" | "notice" | "warning" | "critical";
export type Cause = "unknown" | "power" | "network" | "route" | "mast" | "agent" | "stopped" | "office";
export type Hearing = "heard" | "not_heard" | "no_microphone" | "unclear";

/// `of` 0: there is no figure.
export interface Share {
  of: number;
  good: number;
}

export interface BoardCounts {
  speakers: number;
  online: number;
  silent: number;
  offline: number;
  muted: number;
  trouble: number;
  microphones: number;
  not_heard: number;
}
export interface BoardArea {
  area: string;
  name: string;
  speakers: number;
  online: number;
  trouble: number;
  severity: Severity;
  audible_today: Share;
}
export interface BoardSpeaker {
  speaker: string;
  name: string;
  area: string;
  latitude: number | null;
  longitude: number | null;
  severity: Severity;
  facts: Facts;
  cause: Cause | null;
  since: Instant | null;
  cell: string | null;
}
export type ChangeWhat = "went_down" | "came_back" | "not_heard" | "heard_again" | "restarted" | "muted" | "mains_gone" | "mains_back";
export interface BoardChange {
  at: Instant;
  speaker: string;
  name: string;
  area: string;
  what: ChangeWhat;
  cause: Cause | null;
}
export interface Board {
  at: Instant;
  counts: BoardCounts;
  /// Worst first.
  areas: BoardArea[];
  /// Worst first.
  speakers: BoardSpeaker[];
  /// Newest first.
  changes: BoardChange[];
  truncated: boolean;
}

export interface OutageView {
  began: Instant;
  ended: Instant | null;
  cause: Cause;
  /// The speaker itself told the cause.
  told: boolean;
}
export interface FaultView {
  at: Instant;
  code: string;
  detail: string;
}
export interface RunView {
  at: Instant;
  boot: number;
  /// How the run before it ended.
  ended: string | null;
  /// When the run before it was last known to live.
  alive: Instant | null;
}
export interface SelfTestView {
  at: Instant;
  hearing: Hearing;
  clarity: number | null;
  delay_ms: number | null;
  asked: boolean;
  trouble: string | null;
}
export type OrderWhat = "self_test" | "restart";
export interface Order {
  number: number;
  what: OrderWhat;
  asked: Instant;
  /// Who asked; `null`: not known any more.
  asked_by: string | null;
  /// Not done by then, it is not done at all.
  until: Instant;
  done: Instant | null;
}
export interface TelemetryView {
  /// When it came in.
  received: Instant | null;
  machine_uptime_s: number | null;
  starts_1h: number;
  temperature_c: number | null;
  load: number | null;
  processors: number | null;
  memory_total_mb: number | null;
  memory_free_mb: number | null;
  disk_total_mb: number | null;
  disk_free_mb: number | null;
  content_mb: number;
  content_quota_mb: number;
  network: {
    kind: "ethernet" | "wifi" | "cellular" | "other";
    interface: string;
    signal_dbm: number | null;
    signal_percent: number | null;
    operator: string | null;
    cell: string | null;
  } | null;
  data: { month: string; received_mb: number; sent_mb: number } | null;
  power: { mains: boolean | null; battery_percent: number | null; battery_v: number | null } | null;
  volume: number | null;
  last_sound: Instant | null;
  ear: { kind: "none" | "microphone" | "sensor"; trouble: string | null };
}
export interface Watch {
  facts: Facts;
  severity: Severity;
  outages: OutageView[];
  faults: FaultView[];
  runs: RunView[];
  /// The latest.
  telemetry: TelemetryView | null;
  plan: { data_mb: number | null; ends: string | null };
  self_tests: SelfTestView[];
  orders: Order[];
}

export interface TelemetryPoint {
  at: Instant;
  temperature_c: number | null;
  load: number | null;
  memory_free_mb: number | null;
  disk_free_mb: number | null;
  signal_dbm: number | null;
  signal_percent: number | null;
  clock_offset_ms: number | null;
  battery_percent: number | null;
  data_mb: number | null;
}
export interface Telemetries {
  step_s: number;
  points: TelemetryPoint[];
}

/// What the office keeps of a speaker for the watch.
export interface WatchSettings {
  /// `HH:MM` in the speaker's zone; `null`: no daily self-test.
  self_test_at: string | null;
  data_plan_mb: number | null;
  data_plan_ends: string | null;
  cell: string | null;
}
