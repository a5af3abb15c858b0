import { describe, expect, it } from "vitest";
import { bySeverity, changeCounts, changeLines, found, masts } from "./board";
import { poleSign } from "./poleSign";
import { readPlan } from "./plan";
import { change, facts, no, speaker } from "./sample";

const board = [
  speaker({ speaker: "loa-1", name: "Ngã ba suối", severity: "critical", cause: "mast", cell: "452-04-1", facts: facts({ connected: no("mast") }) }),
  speaker({ speaker: "loa-2", name: "Cuối bản", severity: "critical", cause: "mast", cell: "452-04-1", facts: facts({ connected: no("mast") }) }),
  speaker({ speaker: "loa-3", name: "Đỉnh dốc", severity: "warning", area: "na-lay" }),
  speaker({ speaker: "loa-4", name: "Chợ phiên" }),
];
const areaName = (id: string) => ({ "ban-chuong": "Bản Chương", "na-lay": "Nà Lay" })[id] ?? id;
const names = (query: string, only: Parameters<typeof found>[2] = "") => found(board, query, only, areaName).map((s) => s.name);

describe("the board", () => {
  it("is searched without accents, by speaker, hamlet or mast", () => {
    expect(names("dinh doc")).toEqual(["Đỉnh dốc"]);
    expect(names("na lay")).toEqual(["Đỉnh dốc"]);
    expect(names("452-04")).toEqual(["Ngã ba suối", "Cuối bản"]);
    expect(names("")).toHaveLength(4);
  });
  it("is looked through by how pressing it is", () => {
    expect(bySeverity(board)).toEqual({ critical: 2, warning: 1, notice: 0, ok: 1 });
    expect(names("", "warning")).toEqual(["Đỉnh dốc"]);
  });
  it("shows what one mast took away as one event", () => {
    expect(masts(board).map((m) => [m.cell, m.speakers.length])).toEqual([["452-04-1", 2]]);
    expect(masts(board.slice(2))).toEqual([]);
  });
});

describe("what changed since yesterday", () => {
  const changes = [change("came_back", "loa-1", "2026-11-26T09:00"), change("went_down", "loa-1", "2026-11-26T08:00"), change("went_down", "loa-1", "2026-11-26T06:00"), change("went_down", "loa-2", "2026-11-25T06:00")];
  it("counts speakers, not how often a weak line dropped", () => {
    expect(changeCounts(changes)).toEqual([
      { what: "went_down", speakers: 2 },
      { what: "came_back", speakers: 1 },
    ]);
  });
  it("is one line for the same of the same speaker, the newest first", () => {
    expect(changeLines(changes).map((l) => [l.change.speaker, l.change.what, l.times])).toEqual([
      ["loa-1", "came_back", 1],
      ["loa-1", "went_down", 2],
      ["loa-2", "went_down", 1],
    ]);
  });
});

describe("a pole on the map", () => {
  const sounding = { title: "Họp xóm", bulletin: "b", occurrence: "o", since: "2026-11-26T05:30:00Z" };
  const pole = { presence: "online", muted: false, sounding: null } as const;
  it("that sounds shows it, unless somebody must act", () => {
    expect(poleSign({ ...pole, sounding }, "warning")).toBe("sounding");
    expect(poleSign({ ...pole, sounding }, "critical")).toBe("critical");
  });
  it("that is muted has a sign of its own", () => {
    expect(poleSign({ ...pole, muted: true }, "warning")).toBe("muted");
  });
  it("is judged by its presence until the board was read", () => {
    expect(poleSign({ ...pole, presence: "offline" }, undefined)).toBe("critical");
    expect(poleSign({ ...pole, presence: "silent" }, undefined)).toBe("warning");
    expect(poleSign(pole, undefined)).toBe("ok");
  });
});

describe("a data plan", () => {
  it("is read as people write it", () => {
    expect(["4000", "4.000", "4 000", " 4,000 "].map(readPlan)).toEqual([4000, 4000, 4000, 4000]);
  });
  it("may be left out, and may not be nonsense", () => {
    expect(readPlan("  ")).toBeNull();
    expect(["0", "4,5", "-3", "4 GB"].map(readPlan)).toEqual([undefined, undefined, undefined, undefined]);
  });
});
