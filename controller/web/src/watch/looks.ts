/// How facts and severities look: an icon for each, so that no colour stands alone.
import type { IconName } from "$/components/icons";
import type { Tone } from "$/components/StatusBadge.svelte";
import type { FactName, FactState, Hearing, Severity } from "./types";

export const FACT_ICONS: Record<FactName, IconName> = { powered: "bolt", connected: "online", healthy: "chip", audible: "ear" };
export const STATE_ICONS: Record<FactState, IconName> = { yes: "check", no: "close", unknown: "unknown" };
export const SEVERITY_LOOKS: Record<Severity, { tone: Tone; icon: IconName }> = {
  ok: { tone: "good", icon: "check" },
  notice: { tone: "wait", icon: "info" },
  warning: { tone: "warn", icon: "warn" },
  critical: { tone: "bad", icon: "grave" },
};
export const HEARING_ICONS: Record<Hearing, IconName> = { heard: "check", not_heard: "close", no_microphone: "minus", unclear: "unknown" };
