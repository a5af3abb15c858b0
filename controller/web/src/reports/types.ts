/// What the office says of figures, alerts and repairs, under the names that these screens use.
import type { components } from "$/api/schema";

type Schemas = components["schemas"];

/// `of` 0: there is no figure.
export interface Share {
  of: number;
  good: number;
}

export type Cause = Schemas["Cause"];
export type Figures = Schemas["FiguresView"];
export type By = "speaker" | "area" | "day";
export type Availability = Schemas["Availability"];
export type AvailabilityRow = Schemas["AvailabilityRow"];
export type CauseRow = Schemas["CauseView"];
export type ReasonRow = Schemas["ReasonView"];
export type AreaRow = Schemas["AreaRow"];
export type SpeakerRow = Schemas["SpeakerRow"];
export type Monthly = Schemas["Monthly"];

export type Severity = Schemas["AlertSeverity"];
export type AlertKind = Schemas["AlertKind"];
/// `mast` is made by grouping and has no rule of its own.
export type RuleKind = Exclude<AlertKind, "mast">;
export type Address = Schemas["AlertAddress"];
/// What one may write of a rule; `limit` `null`: the usual one.
export type RuleBody = Omit<Schemas["RuleView"], "id" | "kind" | "may_change" | "changed" | "changed_by"> & { kind: RuleKind };
export type Rule = RuleBody & Pick<Schemas["RuleView"], "id" | "may_change" | "changed" | "changed_by">;
export interface Rules {
  rules: Rule[];
}
export type Tried = Schemas["TryView"];

export type Alert = Schemas["AlertView"];
export type Alerts = Schemas["Alerts"];
export type AlertCount = Schemas["AlertCountView"];

export type Repair = Schemas["RepairView"];
export type Repairs = Schemas["Repairs"];
export type NewRepair = Schemas["NewRepairBody"];
