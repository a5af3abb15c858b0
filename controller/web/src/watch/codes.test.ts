import { expect, it } from "vitest";
import vi from "./words/vi.json";

const WHY = {
  powered: ["mains_gone", "on_battery", "power_cut"],
  connected: ["unknown", "power", "network", "route", "mast", "agent", "stopped", "office", "never_seen", "silent"],
  healthy: ["crash_looping", "restarted", "stalled", "clock_untrusted", "disk_full", "hot", "faults"],
  audible: ["muted", "not_heard", "self_test_failed", "output_failed", "no_microphone", "not_yet_heard", "heard", "silent", "mains_gone", "power_cut"],
};
const CAUSES = ["unknown", "power", "network", "route", "mast", "agent", "stopped", "office"];
const CHANGES = ["went_down", "came_back", "not_heard", "heard_again", "restarted", "muted", "mains_gone", "mains_back"];

it("every code of the office has its words", () => {
  const wanted = [
    ...Object.entries(WHY).flatMap(([fact, codes]) => codes.map((code) => `why.${fact}.${code}`)),
    ...Object.keys(WHY).flatMap((fact) => ["yes", "no", "unknown"].flatMap((state) => [`fact.${fact}.${state}`, `fact.${fact}.${state}.plain`])),
    ...CAUSES.map((cause) => `cause.${cause}`),
    ...CHANGES.flatMap((what) => [`change.${what}`, `changes.${what}.n`]),
    ...["ok", "notice", "warning", "critical"].map((severity) => `severity.${severity}`),
    ...["heard", "not_heard", "no_microphone", "unclear"].map((hearing) => `hearing.${hearing}`),
    ...["first", "power_cut", "reboot", "stopped", "crashed", "ordered"].map((ended) => `run.${ended}`),
    ...["ethernet", "wifi", "cellular", "other"].map((kind) => `machine.network.${kind}`),
    ...["none", "microphone", "sensor"].map((kind) => `machine.ear.${kind}`),
  ];
  expect(wanted.filter((key) => !(key in vi))).toEqual([]);
});
