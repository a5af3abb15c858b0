/// The desk screens' words. They come with those screens.
import { now } from "$/lib/clock.svelte";
import { t } from "$/lib/i18n/index.svelte";
import { lateWords } from "$/lib/i18n/late.svelte";
import { session } from "$/lib/session.svelte";
import type { Tongue } from "./sentence";
import vi from "./words/vi.json";

export type DeskKey = keyof typeof vi;
const words = lateWords(vi, import.meta.glob<{ default: Record<string, string> }>(["./words/*.json", "!./words/vi.json"]));

export const d = words.say;
export const dOr = words.sayOr;

/// What sentences are made with, now. Reactive.
export function tongue(): Tongue {
  return { t, d: (key, values) => dOr(key, key, values), language: words.code(), zone: session.zone, now: now() };
}
