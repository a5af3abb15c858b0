/// What the office says of it before it is sent: whom it reaches, who must approve, what somebody should look at.
import { api, ApiError, words } from "../api/client";
import type { BulletinBody, CheckBody, CheckView } from "../api/types";

const WAIT_MS = 400;

export class Checking {
  answer = $state.raw<CheckView | null>(null);
  /// A refusal: sent like this, it would not be taken.
  refusal = $state("");
  busy = $state(false);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #abort: AbortController | null = null;
  #of = "";

  /// Soon, and only when something changed.
  ask(body: Omit<BulletinBody, "audio">, audio: string | null, durationS: number | null): void {
    const asked = { ...body, ...(body.relay ? {} : audio ? { audio } : { duration_s: durationS ?? 30 }) } as CheckBody;
    const of = JSON.stringify(asked);
    if (of === this.#of) return;
    this.#of = of;
    clearTimeout(this.#timer);
    this.#abort?.abort();
    this.busy = true;
    this.#timer = setTimeout(() => void this.#read(asked), WAIT_MS);
  }

  async #read(asked: CheckBody): Promise<void> {
    const abort = new AbortController();
    this.#abort = abort;
    try {
      this.answer = await api.post<CheckView>("/bulletins/check", asked, { signal: abort.signal });
      this.refusal = "";
    } catch (error) {
      if (abort.signal.aborted) return;
      this.answer = null;
      this.refusal = error instanceof ApiError && error.status >= 400 && error.status < 500 ? words(error) : "";
      // No answer: asked again with the next change, or when the line is back.
      if (error instanceof ApiError && error.isTransient) this.#of = "";
    }
    this.busy = false;
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#abort?.abort();
    this.#of = "";
    this.busy = false;
    this.answer = null;
    this.refusal = "";
  }
}
