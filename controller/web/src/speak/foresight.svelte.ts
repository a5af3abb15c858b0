/// What the office says before anybody speaks: where it would not be heard, or that one may not speak there at once.
import { api, ApiError, words } from "$/api/client";
import type { CallChecked, Warning } from "$/api/types";
import type { Wish } from "./calling.svelte";

const WAIT_MS = 400;

export class Foresight {
  warnings = $state.raw<Warning[]>([]);
  refusal = $state.raw<{ code: string; message: string } | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #abort: AbortController | null = null;

  /// Soon. The hour counts, too: ask again when a minute is over.
  ask(wish: Wish): void {
    this.end();
    this.#timer = setTimeout(() => void this.#read(wish), WAIT_MS);
  }

  async #read(wish: Wish): Promise<void> {
    const abort = new AbortController();
    this.#abort = abort;
    try {
      const found = await api.post<CallChecked>("/calls/check", wish, { signal: abort.signal });
      this.warnings = found.warnings;
      this.refusal = null;
    } catch (error) {
      if (abort.signal.aborted) return;
      // It is a help; without it one still speaks, and the office says then what it would have said now.
      this.warnings = [];
      // (An expired session is asked for elsewhere.)
      const isAnswer = error instanceof ApiError && !error.isTransient && !error.isExpired;
      const isRefused = isAnswer && error.status >= 400 && error.status < 500;
      this.refusal = isRefused ? { code: error.code, message: words(error) } : null;
    }
  }

  /// What was asked for last means nothing any more.
  end(): void {
    clearTimeout(this.#timer);
    this.#abort?.abort();
  }
}
