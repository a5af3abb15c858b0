/// The watch's words: what is known of a speaker, said so that a commune's officer understands it.
import { now } from "$/lib/clock.svelte";
import { t } from "$/lib/i18n/index.svelte";
import { lateWords } from "$/lib/i18n/late.svelte";
import { session } from "$/lib/session.svelte";
import type { Tongue } from "./sentences";
import vi from "./words/vi.json";

export type WatchKey = keyof typeof vi;
const words = lateWords(vi, import.meta.glob<{ default: Record<string, string> }>(["./words/*.json", "!./words/vi.json"]));

export const w = words.say;
export const wOr = words.sayOr;

/// What sentences are made with, now, in the time of `zone`. Reactive.
export function tongue(zone = session.zone): Tongue {
  return { t, w: (key, values) => wOr(key, key, values), language: words.code(), zone, now: now() };
}
