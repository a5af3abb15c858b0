/// Words that come with the screens that say them, so that the first load carries only what the first screen says.
import { fill, type Values } from "./fill";
import { language } from "./index.svelte";

type Words = Record<string, string>;
type Load = () => Promise<{ default: Words }>;

export interface LateWords<K extends string> {
  /// The text of `key` with `values` in its places.
  say: (key: K, values?: Values) => string;
  /// For keys made of a value from the office: `fallback` when we have no word for it.
  sayOr: (key: string, fallback: string, values?: Values) => string;
  /// The language they are in now: without a line it may stay another than the chosen one. Reactive.
  code: () => string;
}

/// `vi` comes with the screens; `others` are loaded when their language is chosen, by `./words/xx.json`.
export function lateWords<V extends Words>(vi: V, others: Record<string, Load>): LateWords<keyof V & string> {
  const state = $state<{ code: string; words: Words }>({ code: "vi", words: vi });

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

  const say = (key: string, values?: Values) => fill(state.words[key] ?? vi[key] ?? key, values, state.code);
  return { say, sayOr: (key, fallback, values) => (key in vi ? say(key, values) : fallback), code: () => state.code };
}
