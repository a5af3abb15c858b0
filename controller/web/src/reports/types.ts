/// What the office says of figures, alerts and repairs.

/// RFC 3339.
type Instant = string;

/// `of` 0: there is no figure.
export interface Share {
  of: number;
  good: number;
}

export type Cause = "unknown" | "power" | "network" | "route" | "mast" | "agent" | "stopped" | "office";

export interface Figures {
  speakers: number;
  /// Connected, of the time that was measured; while the office was away nothing was.
  measured_s: number;
  connected_s: number;
  unmeasured_s: number;
  outages: number;
  due: number;
  completed: number;
  /// A microphone heard it.
  heard: number;
  not_heard: number;
  /// Completed, and nothing listens there.
  unverified: number;
  /// Began more than 5 s after its plan, whatever became of it.
  late: number;
  missed: number;
  skipped: number;
  interrupted: number;
  pre_empted: number;
  failed: number;
  /// Due, and the pole has not told yet.
  unreported: number;
  emergencies: number;
  due_s: number;
  sounded_s: number;
  error_p95_ms: number | null;
}

export interface AvailabilityRow extends Figures {
  speaker?: string | null;
  area?: string | null;
  day?: string | null;
  name: string;
}
export type By = "speaker" | "area" | "day";
export interface Availability {
  from: string;
  /// The last day, included.
  to: string;
  zone: string;
  total: Figures;
  rows: AvailabilityRow[];
}

export interface CauseRow {
  cause: Cause;
  n: number;
  seconds: number;
}
export interface ReasonRow {
  outcome: string;
  reason: string | null;
  n: number;
}
export interface AreaRow extends Figures {
  area: string;
  name: string;
}
export interface SpeakerRow extends Figures {
  speaker: string;
  name: string;
  area: string;
  causes: CauseRow[];
}
export interface Monthly {
  month: string;
  area: string | null;
  area_name: string | null;
  zone: string;
  made: Instant;
  total: Figures;
  reasons: ReasonRow[];
  areas: AreaRow[];
  speakers: SpeakerRow[];
  outage_events: number;
  causes: CauseRow[];
  repairs: { opened: number; closed: number; median_s: number | null };
  /// The month is over.
  complete: boolean;
}

export type Severity = "notice" | "warning" | "critical";
export type RuleKind =
  | "offline"
  | "unreported"
  | "not_heard"
  | "clock"
  | "disk"
  | "temperature"
  | "data_plan"
  | "mains"
  | "crash_looping";
/// `mast` is made by grouping and has no rule of its own.
export type AlertKind = RuleKind | "mast";

export interface Address {
  by: "mail" | "webhook" | "telegram";
  to: string;
}
export interface RuleBody {
  area: string | null;
  kind: RuleKind;
  enabled: boolean;
  after_s: number;
  /// Degrees Celsius, percent free, percent of the plan or starts in an hour, by kind; `null`: the usual one.
  limit: number | null;
  repeat_s: number | null;
  escalate_s: number | null;
  tell: Address[];
  escalate_to: Address[];
}
export interface Rule extends RuleBody {
  id: string;
  /// Where not, what is secret of an address is left out.
  may_change: boolean;
  /// `null`: it came with the office.
  changed_by: string | null;
  changed: Instant;
}
export interface Rules {
  rules: Rule[];
}
export interface Tried {
  ok: boolean;
  /// What the other side, or the line to it, said; empty when it went.
  detail: string;
}

export interface Alert {
  id: string;
  kind: AlertKind;
  cause: Cause | null;
  /// The nearest that holds all its speakers.
  area: string | null;
  area_name: string;
  /// Those in my reach; `back`: when it was well again while others were not.
  speakers: { speaker: string; name: string; back: Instant | null }[];
  /// Since when it is so.
  began: Instant;
  /// When that was found to last.
  opened: Instant;
  closed: Instant | null;
  severity: Severity;
  acknowledged: { by: string; at: Instant; note: string | null } | null;
  /// How many times somebody was told.
  told: number;
  escalated: boolean;
  detail: { value: number | null; limit: number | null; cell: string | null };
}
export interface Alerts {
  items: Alert[];
  next: string | null;
}
export interface AlertCount {
  open: number;
  unacknowledged: number;
}

export interface Repair {
  id: string;
  speaker: string;
  name: string;
  area: string;
  alert: string | null;
  what: string;
  who: string | null;
  /// `2026-11-26`
  due: string | null;
  opened: Instant;
  opened_by: string | null;
  done: Instant | null;
  done_by: string | null;
  note: string | null;
}
export interface Repairs {
  items: Repair[];
  next: string | null;
}
export interface NewRepair {
  speaker: string;
  alert?: string;
  what: string;
  who?: string;
  due?: string;
}
