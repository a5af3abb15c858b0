/// What was last known, with its age: shown at once, read again behind it, and kept when there is no line.
import { words } from "../api/client";
import { exactNow } from "./clock.svelte";
import { db } from "./db";
import { type LiveKind, onLive } from "./live";
import { whenBack } from "./net.svelte";

interface Kept<T> {
  at: number;
  value: T;
}
/// Events come in bursts; one reading serves them all.
const SETTLE_MS = 400;

/// Reactive. Make one with `resource()` in a component.
export class Resource<T> {
  value = $state.raw<T | undefined>(undefined);
  /// When it was read from the office, in ms; 0: never.
  at = $state(0);
  loading = $state(false);
  /// Why it could not be read the last time; the value may still be there.
  error = $state<unknown>(undefined);
  #key: string;
  #load: () => Promise<T>;
  #settle: () => number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #again = false;

  constructor(key: string, load: () => Promise<T>, settle = () => SETTLE_MS) {
    this.#key = key;
    this.#load = load;
    this.#settle = settle;
  }

  /// In words; empty when all is well.
  get trouble(): string {
    return this.error === undefined ? "" : words(this.error);
  }

  async begin(): Promise<void> {
    const kept = await db.get<Kept<T>>("cache", this.#key).catch(() => undefined);
    if (kept && this.at === 0) {
      this.value = kept.value;
      this.at = kept.at;
    }
    await this.refresh();
  }

  /// One at a time; asked for meanwhile, it runs once more.
  async refresh(): Promise<void> {
    if (this.loading) {
      this.#again = true;
      return;
    }
    this.loading = true;
    try {
      do {
        this.#again = false;
        const value = await this.#load();
        this.value = value;
        this.at = exactNow();
        this.error = undefined;
        await db.put("cache", { at: this.at, value } satisfies Kept<T>, this.#key).catch(() => {});
      } while (this.#again);
    } catch (error) {
      this.error = error;
    } finally {
      this.loading = false;
    }
  }

  /// Soon, and once for many calls. Where events never pause, it is read all the same.
  touch(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.refresh();
    }, this.#settle());
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/// In a component's script: reads `load()` now, on these live events, and when the line is back. `key` names it in the cache
/// (with its parameters: `days/2026-11-26`). `settle`: at most once in this many ms, for what is large and changes all the
/// time.
export function resource<T>(key: string, load: () => Promise<T>, live: LiveKind[] = [], settle?: () => number): Resource<T> {
  const it = new Resource<T>(key, load, settle);
  $effect(() => {
    void it.begin();
    const ends = [onLive(live, () => it.touch()), whenBack(() => it.touch())];
    return () => {
      it.end();
      for (const end of ends) end();
    };
  });
  return it;
}

/// Everything of the last person, when another signs in.
export async function forgetCache(): Promise<void> {
  await db.clear("cache").catch(() => {});
}
