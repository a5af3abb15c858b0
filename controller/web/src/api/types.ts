/// What the office says and takes, by the OpenAPI document (`openapi.json`), under the names that the app uses.
/// Nothing is described here: a change of the API begins in the office, and `make types` brings it here.

import type { components } from "./schema";

type Schemas = components["schemas"];

/// RFC 3339.
export type Instant = Schemas["Instant"];

export type Priority = Schemas["Priority"];
export type Status = Schemas["Status"];
export type Chime = Schemas["Chime"];
export type OnPreempt = Schemas["OnPreempt"];
export type Role = Schemas["Role"];
export type Ask = Schemas["Ask"];
export type Presence = Schemas["Presence"];
export type BulletinState = Schemas["BulletinState"];
export type Lack = Schemas["Lack"];
export type ApprovalRule = Schemas["Approval"];

export type ErrorEnvelope = Schemas["ErrorEnvelope"];
export type AppView = Schemas["AppView"];
export type UserView = Schemas["UserView"];
export type Users = Schemas["Users"];
export type NewUserBody = Schemas["NewUserBody"];
export type UserPatch = Schemas["UserPatch"];
export type SetupLink = Schemas["SetupLink"];
export type PasskeyChallenge = Schemas["ChallengeView"];
export type SessionView = Schemas["SessionView"];
export type Rights = Schemas["Rights"];
export type MeView = Schemas["MeView"];

export type AreaView = Schemas["AreaView"];
export type Areas = Schemas["Areas"];
export type NewAreaBody = Schemas["NewAreaBody"];
export type AreaPatch = Schemas["AreaPatch"];
export type GroupView = Schemas["GroupView"];
export type Groups = Schemas["Groups"];
export type GroupPatch = Schemas["GroupPatch"];
export type DayWindow = Schemas["DayWindow"];
export type SpeakerView = Schemas["SpeakerView"];
export type Speakers = Schemas["Speakers"];
export type NewSpeakerBody = Schemas["NewSpeakerBody"];
export type SpeakerPatch = Schemas["SpeakerPatch"];
export type SpeakerDetail = Schemas["SpeakerDetail"];
export type PreviewItem = Schemas["PreviewItem"];
export type PreviewView = Schemas["PreviewView"];
export type NowSpeaker = Schemas["NowSpeaker"];
export type NowView = Schemas["NowView"];
export type DayItem = Schemas["DayItem"];
export type DaysSpeaker = Schemas["DaysOfSpeaker"];
export type DaysView = Schemas["Days"];
export type Streamed = Schemas["Streamed"];
export type PlayoutView = Schemas["PlayoutView"];
export type Playouts = Schemas["Playouts"];

export type Heard = Schemas["HeardAs"];
export type CallPole = Schemas["PoleHeard"];
export type CallView = Schemas["CallView"];
export type Calls = Schemas["Calls"];

export type AudioView = Schemas["AudioView"];
export type AudioPage = Schemas["Library"];
export type SpeechBody = Schemas["SpeechBody"];
export type Voices = Schemas["Voices"];
export type TemplateView = Schemas["TemplateView"];
export type Templates = Schemas["Templates"];
export type NewTemplateBody = Schemas["NewTemplateBody"];
export type TemplatePatch = Schemas["TemplatePatch"];
export type HolidayView = Schemas["HolidayView"];
export type Holidays = Schemas["Holidays"];
export type HolidayBody = Schemas["HolidayBody"];

export type WhenBody = Schemas["WhenBody"];
export type BulletinBody = Omit<Schemas["BulletinBody"], "audio"> & { audio?: string; relay?: RelayBody };
export type BulletinPatch = Schemas["BulletinPatch"];
export type CorrectBody = Schemas["CorrectBody"];
export type CheckBody = Schemas["CheckBody"];
export type CheckView = Schemas["Checked"];
export type CallChecked = Schemas["CallChecked"];
export type Warning = Schemas["Warning"];
export type WhenView = Schemas["WhenView"];
export type RelayState = "waiting" | "connecting" | "on_air" | "fallback" | "silent" | "over";
export interface RelayView {
  url: string;
  duration_s: number;
  fallback: string | null;
  by_poles: boolean;
  state: RelayState;
  detail: string | null;
  since: Instant | null;
}
export interface RelayBody {
  url: string;
  duration_s: number;
  fallback?: string;
  by_poles?: boolean;
}
export interface StationTried {
  ok: boolean;
  detail: string | null;
  codec: string | null;
  bitrate_kbps: number | null;
  title: string | null;
  level_dbfs: number | null;
}
export type StreamView = Schemas["StreamView"] & { relay?: RelayView | null };
export type BulletinView = Omit<Schemas["BulletinView"], "stream"> & { stream: StreamView | null };
export type BulletinDetail = BulletinView & { readiness: Readiness };
export type Bulletins = { bulletins: BulletinView[]; next: string | null };
export type ReadySpeaker = Schemas["ReadySpeaker"];
export type Readiness = Schemas["Readiness"];
export type Stopped = Schemas["Stopped"];
