import { describe, expect, it } from "vitest";
import en from "./words/en.json";
import vi from "./words/vi.json";

const places = (text: string) => new Set([...text.matchAll(/\{(\w+)/g)].map((m) => m[1]));
const sources = import.meta.glob<string>(["/src/**/*.svelte", "/src/{speak,screens}/**/*.ts"], { query: "?raw", import: "default", eager: true });

describe("the words of speaking live", () => {
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
    const made = [...all.matchAll(/`([a-z_]+(?:\.[a-z_]+)*)[._]\$\{/g)].map((m) => m[1] ?? "");
    const unsaid = Object.keys(vi).filter((key) => !all.includes(`"${key}"`) && !made.some((start) => key.startsWith(start)));
    expect(unsaid).toEqual([]);
  });
});
