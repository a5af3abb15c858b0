/// The app's words. Vietnamese comes with the app; another language is one more `xx.json` and `xx.screens.json`, loaded when
/// chosen.
import viScreens from "./vi.screens.json";
import viCore from "./vi.json";
import { fill, type Values } from "./fill";

const vi = { ...viCore, ...viScreens };
export type Key = Extract<keyof typeof vi, string>;
export type Dictionary = Record<Key, string>;

export const LANGUAGES: { code: string; name: string }[] = [
  { code: "vi", name: "Tiếng Việt" },
  { code: "en", name: "English" },
];
const STORED = "loa.language";
const others = import.meta.glob<{ default: Record<string, string> }>(["./*.json", "!./vi.json", "!./vi.screens.json"]);

const state = $state<{ code: string; words: Dictionary }>({ code: "vi", words: vi });

export function language(): string {
  return state.code;
}

/// The text of `key` with `values` in its places.
export function t(key: Key, values?: Values): string {
  return fill(state.words[key] ?? vi[key], values, state.code);
}

/// For keys made of a value from the office (`outcome.${x}`): `fallback` when we have no word for it.
export function tOr(key: string, fallback: string, values?: Values): string {
  return key in vi ? t(key as Key, values) : fallback;
}

async function words(code: string): Promise<Dictionary> {
  const parts = [others[`./${code}.json`], others[`./${code}.screens.json`]];
  const loaded = await Promise.all(parts.map((load) => load?.()));
  return Object.assign({}, vi, ...loaded.map((part) => part?.default)) as Dictionary;
}

export async function setLanguage(code: string): Promise<void> {
  if (!LANGUAGES.some((l) => l.code === code)) return;
  const next = code === "vi" ? vi : await words(code);
  state.code = code;
  state.words = next;
  document.documentElement.lang = code;
  try {
    localStorage.setItem(STORED, code);
  } catch {
    // Without storage the choice holds until the app is closed.
  }
}

/// The language chosen before; Vietnamese when none was.
export async function loadLanguage(): Promise<void> {
  let stored: string | null = null;
  try {
    stored = localStorage.getItem(STORED);
  } catch {
    return;
  }
  // A language whose file cannot be had (no line, never kept) must not stop the app.
  if (stored && stored !== "vi") await setLanguage(stored).catch(() => {});
}
