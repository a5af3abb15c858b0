import { describe, expect, it } from "vitest";
import en from "./words/en.json";
import vi from "./words/vi.json";

const places = (text: string) => new Set([...text.matchAll(/\{(\w+)/g)].map((m) => m[1]));
const sources = import.meta.glob<string>(["/src/reports/*.{svelte,ts}", "/src/screens/*.svelte", "!/src/**/*.test.ts"], { query: "?raw", import: "default", eager: true });

describe("the words of alerts, repairs and reports", () => {
  it("are complete in both languages, with the same values in them", () => {
    expect(Object.keys(en).sort()).toEqual(Object.keys(vi).sort());
    for (const [key, text] of Object.entries(vi)) {
      const other = (en as Record<string, string>)[key] ?? "";
      expect(text.trim(), key).not.toBe("");
      expect(other.trim(), key).not.toBe("");
      expect([...places(other)].sort(), key).toEqual([...places(text)].sort());
    }
  });

  it("are all said somewhere", () => {
    const all = Object.values(sources).join("\n");
    const made = [...all.matchAll(/`([a-z_]+(?:\.[a-z_]+)*)\.\$\{/g)].map((m) => `${m[1]}.`);
    const unsaid = Object.keys(vi).filter((key) => !all.includes(`"${key}"`) && !made.some((start) => key.startsWith(start)));
    expect(unsaid).toEqual([]);
  });

  it("know every ending, cause, reason, kind and severity that the office names", () => {
    const known: Record<string, string[]> = {
      ending: ["heard", "unverified", "not_heard", "missed", "skipped", "interrupted", "pre_empted", "failed", "unreported"],
      cause: ["unknown", "power", "network", "route", "mast", "agent", "stopped", "office"],
      "cause.short": ["unknown", "power", "network", "route", "mast", "agent", "stopped", "office"],
      reason: ["power_cut", "stopped", "cancelled", "quiet_hours", "max_duration", "muted", "limit", "distrusted", "busy", "off", "clock_untrusted", "no_content", "arrived_late", "decode", "output", "ledger"],
      severity: ["notice", "warning", "critical"],
      "alert.what": ["offline", "mast", "unreported", "not_heard", "clock", "disk", "temperature", "data_plan", "mains", "crash_looping"],
      "alert.many": ["offline", "mast", "unreported", "not_heard", "clock", "disk", "temperature", "data_plan", "mains", "crash_looping"],
      "alert.do": ["offline", "power", "mast", "unreported", "not_heard", "clock", "disk", "temperature", "data_plan", "mains", "crash_looping"],
      "rule.when": ["offline", "unreported", "not_heard", "clock", "disk", "temperature", "data_plan", "mains", "crash_looping"],
    };
    for (const [start, values] of Object.entries(known)) for (const value of values) expect(Object.keys(vi)).toContain(`${start}.${value}`);
  });
});
