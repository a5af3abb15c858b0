/// The list of speakers: who needs somebody, and by what one finds them.
import type { AreaView, NowSpeaker } from "$/api/types";
import { byName, matches } from "./fold";
import { below, flat, tree } from "./tree";

/// What a speaker is shown as, worst first: the first that fits.
export type Mark = "sounding" | "muted" | "offline" | "silent" | "online";

export function mark(s: Pick<NowSpeaker, "presence" | "muted" | "sounding">): Mark {
  if (s.sounding) return "sounding";
  if (s.muted) return "muted";
  return s.presence;
}

export interface Filter {
  query: string;
  area: string;
  mark: Mark | "";
}

export interface AreaGroup {
  area: string;
  name: string;
  speakers: NowSpeaker[];
}

/// By area as the tree goes, by name in each; what does not fit is left out.
export function grouped(speakers: NowSpeaker[], areas: AreaView[], filter: Filter): AreaGroup[] {
  const reach = filter.area ? below(areas, filter.area) : null;
  const names = new Map(areas.map((area) => [area.id, area.name]));
  const fits = (s: NowSpeaker) =>
    (!reach || reach.has(s.area)) &&
    (filter.mark === "" || mark(s) === filter.mark) &&
    matches(filter.query, s.name, names.get(s.area), s.speaker);
  const found = new Map<string, AreaGroup>();
  for (const { area } of flat(tree(areas))) found.set(area.id, { area: area.id, name: area.name, speakers: [] });
  for (const s of speakers.filter(fits)) {
    let group = found.get(s.area);
    if (!group) {
      group = { area: s.area, name: names.get(s.area) ?? s.area, speakers: [] };
      found.set(s.area, group);
    }
    group.speakers.push(s);
  }
  const groups = [...found.values()].filter((group) => group.speakers.length > 0);
  for (const group of groups) group.speakers.sort(byName);
  return groups;
}

export function counts(speakers: NowSpeaker[]): Record<Mark, number> {
  const all: Record<Mark, number> = { sounding: 0, muted: 0, offline: 0, silent: 0, online: 0 };
  for (const s of speakers) all[mark(s)] += 1;
  return all;
}
