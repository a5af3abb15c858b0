import { describe, expect, it } from "vitest";
import en from "./en.json";
import { fill, list } from "./fill";
import vi from "./vi.json";

const dictionaries: Record<string, Record<string, string>> = { vi, en };
const places = (text: string) => [...text.matchAll(/\{(\w+)/g)].map((m) => m[1]).sort();

describe("the dictionaries", () => {
  for (const [code, words] of Object.entries(dictionaries)) {
    it(`${code} has every text, and none of them empty`, () => {
      expect(Object.keys(words).sort()).toEqual(Object.keys(vi).sort());
      for (const [key, text] of Object.entries(words)) expect(text.trim(), key).not.toBe("");
    });
    it(`${code} has the same places in every text`, () => {
      for (const [key, text] of Object.entries(words)) {
        const [own, original] = [places(text), places((vi as Record<string, string>)[key] ?? "")];
        // Which part of the day "05:30" belongs to goes without saying in some languages.
        const may = original.filter((place) => own.includes(place) || place !== "part");
        expect([...new Set(own)], key).toEqual([...new Set(may)]);
      }
    });
  }
});

describe("a text", () => {
  it("has its values in their places", () => {
    expect(fill("{n} loa, {place}", { n: 3, place: "Bản Chương" })).toBe("3 loa, Bản Chương");
  });
  it("bends a word by its number where the language does", () => {
    const text = "{n} {n|speaker|speakers}";
    expect(fill(text, { n: 1 }, "en")).toBe("1 speaker");
    expect(fill(text, { n: 3 }, "en")).toBe("3 speakers");
  });
  it("joins names as one says them", () => {
    expect(list(["Lan"])).toBe("Lan");
    expect(list(["Lan", "Minh"])).toBe("Lan và Minh");
    expect(list(["Lan", "Minh", "An"], "en")).toBe("Lan, Minh and An");
  });
});
