/// The words of speaking live. They come with its screen.
import { lateWords } from "$/lib/i18n/late.svelte";
import vi from "./words/vi.json";

const words = lateWords(vi, import.meta.glob<{ default: Record<string, string> }>(["./words/*.json", "!./words/vi.json"]));

export const s = words.say;
export const sOr = words.sayOr;
export const tongueOf = words.code;
