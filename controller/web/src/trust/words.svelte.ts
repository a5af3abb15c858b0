/// The words of security, keys, certificates and the log. They come with those screens.
import { lateWords } from "$/lib/i18n/late.svelte";
import vi from "./words/vi.json";

export type TrustKey = keyof typeof vi;
const words = lateWords(vi, import.meta.glob<{ default: Record<string, string> }>(["./words/*.json", "!./words/vi.json"]));

/// The text of `key` with `values` in its places.
export const k = words.say;
/// For keys made of a value from the office.
export const kOr = words.sayOr;
