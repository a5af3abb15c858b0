/// Hash routes: `#/speakers/ban-chuong-1?tab=week`.
import type { Component } from "svelte";
import type { Rights } from "../api/types";

/// Which of the bottom bar's entries is lit.
export type Tab = "announce" | "today" | "speakers" | "more";

// biome-ignore lint/suspicious/noExplicitAny: a screen without parameters takes no props, one with them takes `params`.
export type Screen = Component<any>;
export interface Route {
  /// `/speakers/:id`
  path: string;
  tab: Tab;
  /// Who may be here; everybody, when it is not said. (The office refuses the others anyway.)
  when?: (rights: Rights) => boolean;
  /// Screens that the first one doesn't need come when they are opened.
  load: () => { default: Screen } | Promise<{ default: Screen }>;
}

interface Place {
  path: string;
  query: URLSearchParams;
}

function read(): Place {
  const [path = "/", query = ""] = location.hash.replace(/^#/, "").split("?");
  return { path: path || "/", query: new URLSearchParams(query) };
}

const state = $state<{ place: Place }>({ place: read() });
/// How many steps back stay in the app.
let depth = 0;

export function watchPlace(): void {
  addEventListener("hashchange", () => {
    depth += 1;
    state.place = read();
    scrollTo(0, 0);
  });
}
export function place(): Place {
  return state.place;
}
export function go(path: string): void {
  location.hash = path;
}
/// Without a trace in the history.
export function replace(path: string): void {
  history.replaceState(null, "", `#${path}`);
  state.place = read();
}
export function back(fallback = "/"): void {
  if (depth > 0) {
    depth -= 2;
    history.back();
  } else replace(fallback);
}

/// The parameters when `path` fits `pattern`.
export function match(pattern: string, path: string): Record<string, string> | null {
  const wanted = pattern.split("/").filter(Boolean);
  const given = path.split("/").filter(Boolean);
  if (wanted.length !== given.length) return null;
  const params: Record<string, string> = {};
  for (const [i, part] of wanted.entries()) {
    const value = decodeURIComponent(given[i] ?? "");
    if (part.startsWith(":")) params[part.slice(1)] = value;
    else if (part !== value) return null;
  }
  return params;
}

export function find(routes: Route[], path: string): { route: Route; params: Record<string, string> } | null {
  for (const route of routes) {
    const params = match(route.path, path);
    if (params) return { route, params };
  }
  return null;
}
