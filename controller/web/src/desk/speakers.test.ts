import { describe, expect, it } from "vitest";
import type { AreaView, NowSpeaker } from "$/api/types";
import { counts, grouped } from "./speakers";

const area = (id: string, name: string, parent: string | null = null) => ({ id, name, parent }) as AreaView;
const speaker = (id: string, name: string, area: string, over: Partial<NowSpeaker> = {}) =>
  ({ speaker: id, name, area, presence: "online", muted: false, sounding: null, lacks: [], ...over }) as NowSpeaker;

const areas = [area("xa", "Sảng Mộc"), area("ban", "Bản Chương", "xa"), area("na", "Nà Lay", "xa")];
const all = [
  speaker("n2", "Loa 10", "na", { presence: "offline" }),
  speaker("n1", "Loa 2", "na", { muted: true, presence: "offline" }),
  speaker("b1", "Nhà văn hóa", "ban"),
  speaker("x1", "Ủy ban", "xa", { sounding: { title: "Thời sự", bulletin: "b", occurrence: "o", since: "" } }),
];

describe("the list of speakers", () => {
  it("goes by the tree, and counts like people do", () => {
    expect(grouped(all, areas, { query: "", area: "", mark: "" }).map((g) => [g.name, g.speakers.map((s) => s.name)])).toEqual([
      ["Sảng Mộc", ["Ủy ban"]],
      ["Bản Chương", ["Nhà văn hóa"]],
      ["Nà Lay", ["Loa 2", "Loa 10"]],
    ]);
  });

  it("a hamlet's name finds its speakers, typed without accents", () => {
    expect(grouped(all, areas, { query: "na lay 10", area: "", mark: "" }).flatMap((g) => g.speakers.map((s) => s.speaker))).toEqual(["n2"]);
  });

  it("a muted speaker counts as muted, also when it is away", () => {
    expect(counts(all)).toEqual({ sounding: 1, muted: 1, offline: 1, silent: 0, online: 1 });
    expect(grouped(all, areas, { query: "", area: "", mark: "offline" })).toHaveLength(1);
  });
});
