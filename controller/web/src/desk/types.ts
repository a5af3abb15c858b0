// The shapes of the desk's part of the API, as it answers them.

export type Presence = "online" | "silent" | "offline";
export type Lack = "never_reported" | "no_programme" | "no_content" | "clock_untrusted" | "muted";
export type Ask = "hamlet" | "anyone" | "wide_emergency";
export type Role = "administrator" | "officer" | "approver" | "hamlet_head" | "monitor";
export type ApprovalPolicy = "none" | "hamlets" | "everyone";

export interface Area {
  id: string;
  name: string;
  kind: string | null;
  code: string | null;
  parent: string | null;
  channel: string;
  approval: ApprovalPolicy | null;
  approval_in_force: ApprovalPolicy;
  speakers: number;
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

/** One line of GET /now. */
export interface NowSpeaker {
  speaker: string;
  name: string;
  area: string;
  presence: Presence;
  muted: boolean;
  sounding: { title: string; bulletin: string; occurrence: string; since: string } | null;
  latitude: number | null;
  longitude: number | null;
  lacks: Lack[];
  next: { title: string; planned: string } | null;
  status_age_s: number | null;
  last_seen: string | null;
}

export interface Holiday {
  id: string;
  date: string;
  name: string;
}
