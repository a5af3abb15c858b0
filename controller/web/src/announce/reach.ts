/// Whom a choice of targets reaches, from the lists on the phone. Pure.
import type { AreaView, GroupView, SpeakerView } from "../api/types";

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

/// A hamlet is an area without areas below it.
export function isHamlet(areas: AreaView[], id: string): boolean {
  return areas.some((a) => a.id === id) && !areas.some((a) => a.parent === id);
}

/// Without tone marks and capitals: "ban chuong" finds "Bản Chương".
export function plain(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").replaceAll("đ", "d").replaceAll("Đ", "d").toLowerCase();
}
