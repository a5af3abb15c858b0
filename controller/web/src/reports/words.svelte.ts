/// The words of alerts, repairs and reports. They come with those screens.
import { now } from "$/lib/clock.svelte";
import { t } from "$/lib/i18n/index.svelte";
import { lateWords } from "$/lib/i18n/late.svelte";
import { session } from "$/lib/session.svelte";
import type { Tongue } from "./tongue";
import vi from "./words/vi.json";

export type ReportKey = keyof typeof vi;
const words = lateWords(vi, import.meta.glob<{ default: Record<string, string> }>(["./words/*.json", "!./words/vi.json"]));

/// The text of `key` with `values` in its places.
export const r = words.say;

/// What sentences are made with, now. Reactive. A value of the office that has no word stands as it is.
export function tongue(): Tongue {
  return { t, r: (key, values) => words.sayOr(key, key.slice(key.lastIndexOf(".") + 1), values), language: words.code(), zone: session.zone, now: now() };
}
