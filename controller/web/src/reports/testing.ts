/// For tests: the Vietnamese words, the village's zone and a Thursday morning.
import { fill } from "$/lib/i18n/fill";
import { at, say, ZONE } from "$/lib/testing";
import type { Tongue } from "./tongue";
import type { Figures } from "./types";
import vi from "./words/vi.json";

export const tongue: Tongue = {
  t: say,
  r: (key, values) => fill((vi as Record<string, string>)[key] ?? key, values, "vi"),
  language: "vi",
  zone: ZONE,
  now: at("2026-11-26T10:00"),
};

export const figures = (over: Partial<Figures> = {}): Figures => ({
  speakers: 0,
  measured_s: 0,
  connected_s: 0,
  unmeasured_s: 0,
  outages: 0,
  due: 0,
  completed: 0,
  heard: 0,
  not_heard: 0,
  unverified: 0,
  late: 0,
  missed: 0,
  skipped: 0,
  interrupted: 0,
  pre_empted: 0,
  failed: 0,
  unreported: 0,
  emergencies: 0,
  due_s: 0,
  sounded_s: 0,
  error_p95_ms: null,
  ...over,
});
