/// Whom a choice of targets reaches, from the lists on the phone. Pure.
import type { AreaView, GroupView, SpeakerView } from "../api/types";
import type { Target } from "./draft";

export interface Places {
  areas: AreaView[];
  groups: GroupView[];
  speakers: SpeakerView[];
}

/// The area with all below it.
export function below(areas: AreaView[], root: string): Set<string> {
  const found = new Set([root]);
  for (let grown = true; grown; ) {
    grown = false;
    for (const area of areas) {
      if (area.parent && found.has(area.parent) && !found.has(area.id)) {
        found.add(area.id);
        grown = true;
      }
    }
  }
  return found;
}

/// Ids of the speakers behind these channels, each once.
export function reached(channels: string[], places: Places): Set<string> {
  const found = new Set<string>();
  for (const channel of channels) {
    const dot = channel.indexOf(".");
    const [kind, id] = [channel.slice(0, dot), channel.slice(dot + 1)];
    if (kind === "speaker") found.add(id);
    else if (kind === "group") for (const member of places.groups.find((g) => g.id === id)?.members ?? []) found.add(member);
    else {
      const inside = below(places.areas, id);
      for (const speaker of places.speakers) if (inside.has(speaker.area)) found.add(speaker.id);
    }
  }
  return found;
}

/// The areas above, nearest first.
export function above(areas: AreaView[], id: string): AreaView[] {
  const chain: AreaView[] = [];
  let next = areas.find((a) => a.id === id)?.parent;
  while (next && chain.length < 20) {
    const area = areas.find((a) => a.id === next);
    if (!area) break;
    chain.push(area);
    next = area.parent;
  }
  return chain;
}

/// The choice with `target` added or taken away. What lies inside a chosen area is in it already.
export function flip(targets: Target[], target: Target, areas: AreaView[]): Target[] {
  if (targets.some((one) => one.channel === target.channel)) return targets.filter((one) => one.channel !== target.channel);
  const inside = target.channel.startsWith("area.")
    ? new Set(areas.filter((a) => above(areas, a.id).some((up) => up.channel === target.channel)).map((a) => a.channel))
    : new Set<string>();
  return [...targets.filter((one) => !inside.has(one.channel)), target];
}

/// The chosen area that has this one inside.
export function cover(targets: Target[], area: string, areas: AreaView[]): string | null {
  return above(areas, area).find((up) => targets.some((one) => one.channel === up.channel))?.name ?? null;
}

/// So many places are offered without opening the tree.
const NEAR = 7;
/// The own area and those right below, to be chosen with one touch; empty where there are too many to look over.
export function near(areas: AreaView[], own: string | null): AreaView[] {
  const tops = areas.filter((a) => (own === null ? !areas.some((b) => b.id === a.parent) : a.id === own));
  const first = tops.length === 1 ? tops[0] : undefined;
  const found = first ? [first, ...areas.filter((a) => a.parent === first.id).sort((a, b) => a.name.localeCompare(b.name, "vi"))] : tops;
  return found.length > 1 && found.length <= NEAR ? found : [];
}

/// A hamlet is an area without areas below it.
export function isHamlet(areas: AreaView[], id: string): boolean {
  return areas.some((a) => a.id === id) && !areas.some((a) => a.parent === id);
}

/// Without tone marks and capitals: "ban chuong" finds "Bản Chương".
export function plain(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").replaceAll("đ", "d").replaceAll("Đ", "d").toLowerCase();
}
