/// For tests: a village's board, its words, and a clock that stands still.
import { fill } from "$/lib/i18n/fill";
import { at, say, ZONE } from "$/lib/testing";
import type { Tongue } from "./sentences";
import type { BoardChange, BoardSpeaker, ChangeWhat, Fact, Facts } from "./types";
import vi from "./words/vi.json";

export const NOW = at("2026-11-26T14:00");
export const tongue: Tongue = {
  t: say,
  w: (key, values) => fill((vi as Record<string, string>)[key] ?? key, values, "vi"),
  language: "vi",
  zone: ZONE,
  now: NOW,
};

/// In the village's civil time, as the office writes it.
export const iso = (civil: string): string => new Date(at(civil)).toISOString();
type Why = NonNullable<Fact["why"]>;
export const yes = (why: Why | null = null, since: string | null = null): Fact => ({ state: "yes", why, since });
export const no = (why: Why | null, since: string | null = null): Fact => ({ state: "no", why, since });
export const unknown = (why: Why | null = null): Fact => ({ state: "unknown", why, since: null });

export const facts = (over: Partial<Facts> = {}): Facts => ({ powered: yes(), connected: yes(), healthy: yes(), audible: yes("heard"), ...over });
export const speaker = (over: Partial<BoardSpeaker> = {}): BoardSpeaker => ({
  speaker: "ban-chuong-1",
  name: "Nhà văn hóa",
  area: "ban-chuong",
  latitude: null,
  longitude: null,
  severity: "ok",
  facts: facts(),
  cause: null,
  since: null,
  cell: null,
  ...over,
});
export const change = (what: ChangeWhat, who: string, at: string): BoardChange => ({ at: iso(at), speaker: who, name: who, area: "ban-chuong", what, cause: null });
