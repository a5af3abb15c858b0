/// The words of alerts, repairs and reports. They come with those screens.
import { now } from "$/lib/clock.svelte";
import { fill, type Values } from "$/lib/i18n/fill";
import { language, t } from "$/lib/i18n/index.svelte";
import { session } from "$/lib/session.svelte";
import type { Tongue } from "./tongue";
import vi from "./words/vi.json";

export type ReportKey = keyof typeof vi;
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
export function r(key: ReportKey, values?: Values): string {
  return fill(state.words[key] ?? vi[key], values, state.code);
}

/// What pure code says with: for keys made of a value from the office the value itself stands where there is no word.
function speak(key: string, values?: Values): string {
  return key in vi ? r(key as ReportKey, values) : key.slice(key.lastIndexOf(".") + 1);
}

/// What sentences are made with, now. Reactive.
export function tongue(): Tongue {
  return { t, r: speak, language: state.code, zone: session.zone, now: now() };
}
