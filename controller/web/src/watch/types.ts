/// What the watch reads from the office, by the OpenAPI document, under the names that the app uses.
import type { components } from "$/api/schema";

type Schemas = components["schemas"];

export type Fact = Schemas["Fact"];
export type Facts = Schemas["Facts"];
export type FactName = keyof Facts;
export type FactState = Schemas["FactState"];
export type Severity = Schemas["PoleSeverity"];
export type Cause = Schemas["Cause"];
export type Hearing = Schemas["Hearing"];
/// `of` 0: there is no figure.
export type Share = Schemas["Share"];

export type Board = Schemas["Board"];
export type BoardCounts = Schemas["BoardCounts"];
export type BoardArea = Schemas["BoardArea"];
export type BoardSpeaker = Schemas["BoardSpeaker"];
export type BoardChange = Schemas["BoardChange"];
export type ChangeWhat = Schemas["ChangeKind"];

export type Watch = Schemas["WatchView"];
export type OutageView = Schemas["OutageView"];
export type FaultView = Schemas["FaultView"];
export type RunView = Schemas["RunView"];
export type SelfTestView = Schemas["SelfTestView"];
export type Order = Schemas["OrderView"];
export type OrderWhat = Schemas["OrderKind"];
export type TelemetryView = Schemas["TelemetryView"];
export type Telemetries = Schemas["TelemetryHistory"];
export type TelemetryPoint = Schemas["TelemetryPoint"];
