import { describe, expect, it } from "vitest";

type Words = Record<string, string>;

/// Words that come with their screens, by folder and language.
const files = import.meta.glob<Words>("/src/*/words/*.json", { import: "default", eager: true });
const sources = import.meta.glob<string>(["/src/**/*.svelte", "/src/**/*.ts", "!/src/**/*.test.ts"], { query: "?raw", import: "default", eager: true });
const all = Object.values(sources).join("\n");
const made = [...all.matchAll(/`([a-z_]+(?:\.[a-z_]+)*)[._]\$\{/g)].map((m) => m[1] ?? "");
const places = (text: string) => [...new Set([...text.matchAll(/\{(\w+)/g)].map((m) => m[1]))].sort();
const folders = Object.keys(files).flatMap((path) => (path.endsWith("/vi.json") ? [path.slice(0, -"/vi.json".length)] : []));

describe.each(folders)("the words in %s", (folder) => {
  const vi = files[`${folder}/vi.json`] as Words;
  const others = Object.keys(files).filter((path) => path.startsWith(`${folder}/`) && !path.endsWith("/vi.json"));

  it.each(others)("are complete in %s, with the same values in them", (path) => {
    const other = files[path] as Words;
    expect(Object.keys(other).sort()).toEqual(Object.keys(vi).sort());
    for (const [key, text] of Object.entries(vi)) {
      expect(text.trim(), key).not.toBe("");
      expect(other[key]?.trim(), key).not.toBe("");
      expect(places(other[key] ?? ""), key).toEqual(places(text));
    }
  });

  it("are all said somewhere", () => {
    const unsaid = Object.keys(vi).filter((key) => !all.includes(`"${key}"`) && !made.some((start) => key.startsWith(start)));
    expect(unsaid).toEqual([]);
  });
});

it("there are such words, in more than one language", () => {
  expect(folders.length).toBeGreaterThanOrEqual(4);
  expect(Object.keys(files).length).toBeGreaterThanOrEqual(2 * folders.length);
});
