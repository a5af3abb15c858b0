import { describe, expect, it } from "vitest";
import { matches } from "./fold";
import { below, flat, fullName, mayHangUnder, search, tree } from "./tree";

const areas = [
  { id: "ban-chuong", name: "Bản Chương", parent: "sang-moc" },
  { id: "vo-nhai", name: "Võ Nhai", parent: "thai-nguyen" },
  { id: "sang-moc", name: "Sảng Mộc", parent: "vo-nhai" },
  { id: "khu-10", name: "Khu 10", parent: "sang-moc" },
  { id: "khu-2", name: "Khu 2", parent: "sang-moc" },
];

describe("the tree of areas", () => {
  it("begins where one's reach begins, and counts like people do", () => {
    expect(flat(tree(areas)).map((n) => [n.area.id, n.depth])).toEqual([
      ["vo-nhai", 0],
      ["sang-moc", 1],
      ["ban-chuong", 2],
      ["khu-2", 2],
      ["khu-10", 2],
    ]);
  });

  it("a search without accents shows the hamlet and where it lies", () => {
    expect(search(areas, "ban chuong").map((a) => a.id)).toEqual(["ban-chuong", "vo-nhai", "sang-moc"]);
    expect(matches("DAI TU", "Đại Từ")).toBe(true);
    expect(matches("tu dai", "Đại Từ")).toBe(true);
    expect(matches("bac", "Đại Từ")).toBe(false);
  });

  it("a commune cannot hang under its own hamlet", () => {
    expect(mayHangUnder(areas, "sang-moc").map((a) => a.id)).toEqual(["vo-nhai"]);
    expect([...below(areas, "sang-moc")].sort()).toEqual(["ban-chuong", "khu-10", "khu-2", "sang-moc"]);
  });

  it("two hamlets of one name are told apart by their commune", () => {
    expect(fullName(areas, "ban-chuong")).toBe("Bản Chương, Sảng Mộc");
  });

  it("a ring in the data hangs nobody", () => {
    const ring = [
      { id: "a", name: "A", parent: "b" },
      { id: "b", name: "B", parent: "a" },
    ];
    expect(fullName(ring, "a")).toBe("A, B");
    expect(tree(ring)).toEqual([]);
  });
});
