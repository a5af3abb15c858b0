/// The desk screens' words. They come with those screens, so that the first load carries only what the first screen says.
import { now } from "$/lib/clock.svelte";
import { fill, type Values } from "$/lib/i18n/fill";
import { language, t } from "$/lib/i18n/index.svelte";
import { session } from "$/lib/session.svelte";
import type { Tongue } from "./sentence";
import vi from "./words/vi.json";

export type DeskKey = keyof typeof vi;
const others = import.meta.glob<{ default: Record<string, string> }>(["./words/*.json", "!./words/vi.json"]);

const state = $state<{ code: string; words: Record<string, string> }>({ code: "vi", words: vi });

async function follow(code: string): Promise<void> {
  if (code === state.code) return;
  // Without a line the words that are here serve.
  const words = code === "vi" ? vi : await others[`./words/${code}.json`]?.().then((m) => m.default, () => undefined);
  if (!words || language() !== code) return;
  state.code = code;
  state.words = words;
}

$effect.root(() => {
  $effect(() => {
    void follow(language());
  });
});

/// The text of `key` with `values` in its places.
export function d(key: DeskKey, values?: Values): string {
  return fill(state.words[key] ?? vi[key], values, state.code);
}

/// For keys made of a value from the office: `fallback` when we have no word for it.
export function dOr(key: string, fallback: string, values?: Values): string {
  return key in vi ? d(key as DeskKey, values) : fallback;
}

/// What sentences are made with, now. Reactive.
export function tongue(): Tongue {
  return { t, d: (key, values) => dOr(key, key, values), language: state.code, zone: session.zone, now: now() };
}
