/// What the office says and takes, by the API contract. Names are those of the OpenAPI document's schemas.

export type Priority = "ordinary" | "priority" | "emergency";
export type Status = "actual" | "exercise" | "test";
export type Chime = "none" | "rise" | "bell" | "alert" | "exercise";
export type OnPreempt = "resume" | "restart" | "drop";
export type Role = "administrator" | "officer" | "approver" | "hamlet_head" | "monitor";
export type Ask = "hamlet" | "anyone" | "wide_emergency";
export type Presence = "online" | "silent" | "offline";
export type BulletinState = "planned" | "awaiting" | "returned" | "paused" | "cancelled" | "ended" | "lapsed";
export type Lack = "never_reported" | "no_programme" | "no_content" | "clock_untrusted" | "muted";
export type ApprovalRule = "none" | "hamlets" | "everyone";
/// RFC 3339.
export type Instant = string;

export interface ErrorEnvelope {
  error: { code: string; message: string; details: Record<string, unknown> };
}

export interface AppView {
  name: string;
  version: string;
  zone: string;
  languages: string[];
  map: { tiles: string | null; attribution: string };
  limits: { upload_mb: number; max_audio_minutes: number };
  set_up: boolean;
  correction: string;
  exercise_sentence: string;
  test_sentence: string;
}

export interface UserView {
  id: string;
  username: string;
  name: string;
  role: Role;
  area: string | null;
  has_password: boolean;
  made: Instant;
  setup_link?: string;
}
export interface SessionView {
  token: string;
  expires: Instant;
  user: UserView;
}
export interface Rights {
  speak: Priority[];
  approve: Ask[];
  silence: boolean;
  arrange: boolean;
  build: boolean;
  govern: boolean;
}
export interface MeView {
  user: UserView;
  rights: Rights;
}

export interface AreaView {
  id: string;
  name: string;
  kind: string | null;
  code: string | null;
  parent: string | null;
  channel: string;
  made: Instant;
  approval: ApprovalRule | null;
  approval_in_force: ApprovalRule;
  /// In it and below.
  speakers: number;
}
export interface GroupView {
  id: string;
  name: string;
  area: string;
  members: string[];
  channel: string;
  made: Instant;
}
export interface DayWindow {
  from: string;
  to: string;
}
export interface VolumePlan {
  percent: number;
  ceiling: number;
  emergency: number;
  by_time: { window: DayWindow; percent: number }[];
}
export interface PresenceOf {
  state: Presence;
  since: Instant;
  last_heard: Instant | null;
}
export interface SpeakerView {
  id: string;
  name: string;
  area: string;
  latitude: number | null;
  longitude: number | null;
  zone: string;
  quiet_hours: DayWindow[];
  volume: VolumePlan;
  muted: boolean;
  delay_trim_ms: number;
  channel: string;
  presence: PresenceOf;
  made: Instant;
  token?: string;
  office_key?: string;
}
export interface StatusView {
  online: boolean;
  at: Instant | null;
  received: Instant;
  agent: string;
  boot: number;
  uptime_s: number;
  clock: "untrusted" | "held" | "synced";
  clock_offset_ms: number | null;
  clock_error_ms: number | null;
  sounding: { occurrence: string; bulletin: string; title: string; since: Instant } | null;
  next: { occurrence: string; bulletin: string; title: string; planned: Instant } | null;
  muted: boolean;
  output: string;
  contents_held: number;
  partial: { content: string; blocks_held: number; blocks: number }[];
  programmes: Record<string, number>;
  events_waiting: number;
  refused: Record<string, number>;
  disk_free_bytes: number | null;
}
export interface SpeakerDetail extends SpeakerView {
  status: StatusView | null;
  ready: { ready: boolean; config_applied: boolean; bulletins_ready: number; bulletins: number; lacks: Lack[] };
}
export interface PreviewItem {
  occurrence: string;
  bulletin: string;
  title: string;
  priority: Priority;
  planned: Instant;
  starts: Instant | null;
  ends: Instant | null;
  outcome: string;
  reason: string | null;
}
export interface PreviewView {
  from: Instant;
  to: Instant;
  items: PreviewItem[];
  truncated: boolean;
}

export interface AudioView {
  id: string;
  source: "upload" | "speech";
  title: string;
  duration_s: number;
  loudness_lufs: number | null;
  sha256: string;
  format: string;
  original_bytes: number;
  spoken: string | null;
  text: string | null;
  voice: string | null;
  speed: number | null;
  made: Instant;
  made_by: string | null;
  made_by_name: string | null;
  uses: number;
}
export interface AudioPage {
  audio: AudioView[];
  next: string | null;
}
export interface SpeechBody {
  text: string;
  voice?: string;
  speed?: number;
  title?: string;
}
export interface Voices {
  voices: string[];
  default: string;
}

export interface TemplateView {
  id: string;
  title: string;
  text: string | null;
  audio: string | null;
  priority: Priority;
  chime: Chime | null;
  volume: number | null;
  status: Status;
  targets: string[];
  area: string | null;
  voice: string | null;
  speed: number | null;
  may_change: boolean;
  made_by: string | null;
  made: Instant;
  changed: Instant;
}
export interface HolidayView {
  id: string;
  date: string;
  name: string;
}

export interface WhenBody {
  now?: boolean;
  at?: string;
  rrule?: string;
  start?: string;
  except?: string[];
}
export interface RepeatBody {
  times: number;
  every_s: number;
}
export interface BulletinBody {
  title: string;
  audio: string;
  priority?: Priority;
  targets: string[];
  when: WhenBody;
  zone?: string;
  lateness_s?: number;
  on_preempt?: OnPreempt;
  repeat?: RepeatBody;
  chime?: Chime;
  volume?: number;
  order?: number;
  max_duration_s?: number;
  valid_until?: Instant;
  status?: Status;
  supersedes?: string;
  skip_holidays?: boolean;
}
export type BulletinPatch = Partial<Omit<BulletinBody, "supersedes">>;
export type CheckBody = Omit<BulletinBody, "audio"> & { audio?: string; duration_s?: number };
export interface Warning {
  code: string;
  message: string;
  details: Record<string, unknown>;
}
export interface CheckView {
  duration_s: number;
  speakers: number;
  target_names: string[];
  hamlets: number;
  starts: Instant[];
  ask: Ask | null;
  approvers: string[];
  warnings: Warning[];
}
export interface Decision {
  verdict: "approved" | "returned";
  by: string;
  by_name: string | null;
  at: Instant;
  reason: string | null;
}
export interface WhenView {
  now?: Instant;
  at?: string;
  rrule?: string;
  start?: string;
  except?: string[];
}
export interface BulletinView {
  id: string;
  revision: number;
  state: BulletinState;
  title: string;
  audio: string;
  duration_s: number;
  priority: Priority;
  status: Status;
  targets: string[];
  target_names: string[];
  speakers: number;
  when: WhenView;
  zone: string;
  lateness_s: number | null;
  on_preempt: OnPreempt;
  repeat: RepeatBody;
  chime: Chime;
  volume: number;
  order: number;
  max_duration_s: number;
  valid_until: Instant | null;
  next: Instant | null;
  ends: Instant | null;
  supersedes: string | null;
  made_by: string | null;
  made_by_name: string | null;
  made: Instant;
  changed: Instant;
  warnings?: Warning[];
  ask: Ask | null;
  approve_by: Instant | null;
  digest: string;
  decision: Decision | null;
  text: string | null;
  skip_holidays: boolean;
  may: { edit: boolean; cancel: boolean; pause: boolean; approve: boolean };
}
export interface ReadySpeaker {
  speaker: string;
  name: string;
  presence: Presence;
  ready: boolean;
  lacks: Lack[];
}
export interface Readiness {
  ready: number;
  of: number;
  speakers: ReadySpeaker[];
}
export interface BulletinDetail extends BulletinView {
  readiness: Readiness;
}
export interface Bulletins {
  bulletins: BulletinView[];
  next: string | null;
}

export interface PlayoutView {
  speaker: string;
  bulletin: string;
  occurrence: string;
  attempt: number;
  revision: number;
  title: string;
  priority: Priority;
  status: Status;
  planned: Instant;
  started: Instant | null;
  ended: Instant | null;
  error_ms: number | null;
  sounded_s: number;
  cuts: number;
  cut_by: string | null;
  clock: string;
  outcome: string | null;
  reason: string | null;
  heard: boolean | null;
}
export interface Playouts {
  playouts: PlayoutView[];
  next: string | null;
}

export interface DayItem {
  bulletin: string;
  title: string;
  priority: Priority;
  status: Status;
  planned: Instant;
  starts: Instant | null;
  ends: Instant | null;
  outcome: string | null;
  reason: string | null;
  past: boolean;
  error_ms: number | null;
  sounded_s: number | null;
}
export interface DaysSpeaker {
  speaker: string;
  name: string;
  area: string;
  presence: Presence;
  muted: boolean;
  quiet_hours: DayWindow[];
  items: DayItem[];
}
export interface DaysView {
  from: Instant;
  to: Instant;
  zone: string;
  speakers: DaysSpeaker[];
  truncated: boolean;
}

export interface NowSpeaker {
  speaker: string;
  name: string;
  area: string;
  presence: Presence;
  muted: boolean;
  sounding: { title: string; bulletin: string; occurrence: string; since: Instant } | null;
  latitude: number | null;
  longitude: number | null;
  lacks: Lack[];
  next: { title: string; planned: Instant } | null;
  status_age_s: number | null;
  last_seen: Instant | null;
}
export interface NowView {
  speakers: NowSpeaker[];
  truncated: boolean;
}
export interface Stopped {
  silence_before: Instant;
  targets: string[];
  speakers: number;
}
