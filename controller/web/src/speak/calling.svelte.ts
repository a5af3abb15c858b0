/// One call from the touch to the last word: microphone, encoder, line, and what the screen shows of them. What it means is in
/// `face.ts`.
import { api, ApiError, methodsOf, newKey, words } from "$/api/client";
import type { Calls, CallView, Priority, Status } from "$/api/types";
import { type Method, prove } from "$/proof/proof.svelte";
import { type Encoder, makeEncoder } from "./encoder";
import { type Face, face } from "./face";
import { type Howl, HowlDetector } from "./howl";
import { Meter } from "./level";
import { Line } from "./line";
import type { Frame } from "./frame";
import { mayBe } from "./lost";
import { Microphone, MicFailure, type MicTrouble, monotonicUs } from "./microphone";
import type { FromOffice } from "./protocol";

export interface Wish {
  targets: string[];
  priority: Priority;
  status: Status;
}
/// `code`: of the office's refusal, or our own word.
export interface Trouble {
  code: string;
  message: string;
  details: Record<string, unknown>;
}

const TICK_MS = 80;
/// Speech begins at a known moment; what comes just before it lets nobody wait for the first frame.
const EARLY_MS = 400;
/// The office says that it is over; without its word the call is looked up.
const ENDING_MS = 1_500;
/// So long it is shown that something of it was lost.
const WEAK_MS = 4_000;
const TRIPS = 4;
/// A call whose answer was lost is looked for once, among so many of the newest, with so much patience for each step.
const LOOKED = 10;
const LOOK_MS = 5_000;

export class Calling {
  mic = $state<"asking" | "open" | "failed">("asking");
  micTrouble = $state<MicTrouble | null>(null);
  call = $state<"none" | "asked" | "open" | "ending" | "ended">("none");
  view = $state.raw<CallView | null>(null);
  trouble = $state.raw<Trouble | null>(null);
  /// Why it ended, by the office or by us.
  reason = $state("");
  level = $state(0);
  isQuiet = $state(false);
  isWeak = $state(false);
  howl = $state<Howl>("none");
  sounding = $state(0);
  of = $state(0);
  delayMs = $state(0);
  leftS = $state(0);
  /// ms until speech is heard.
  untilMs = $state<number | null>(null);
  #isUp = $state(false);
  #wasUp = $state(false);
  /// The button was let go before the office had answered.
  #letGo = $state(false);
  face: Face = $derived(
    face({ mic: this.mic, call: this.call, letGo: this.#letGo, isUp: this.#isUp, wasUp: this.#wasUp, untilMs: this.untilMs }),
  );

  #microphone: Microphone | null = null;
  #encoder: Encoder | null = null;
  #line: Line | null = null;
  #meter = new Meter();
  #howling = new HowlDetector();
  #timer: ReturnType<typeof setInterval> | undefined;
  #ending: ReturnType<typeof setTimeout> | undefined;
  #weakMs = 0;
  #holes = 0;
  #tripMs = 0;
  #wake: WakeLockSentinel | null = null;
  /// Grows with every opening and closing, so that what was asked before means nothing.
  #turn = 0;
  #user: string;

  /// `user`: who speaks.
  constructor(user: string) {
    this.#user = user;
  }

  /// When the screen comes up: the touch itself must not wait for a microphone.
  async prepare(): Promise<void> {
    const turn = ++this.#turn;
    this.mic = "asking";
    this.micTrouble = null;
    void this.#measureTrip(turn);
    let microphone: Microphone | null = null;
    try {
      microphone = await Microphone.open({ onframe: (frame) => this.#take(frame), onlost: () => this.leave("microphone") });
      const encoder = await makeEncoder(
        (frame) => this.#line?.send(frame),
        () => this.#encoderLost(),
      );
      if (turn !== this.#turn) {
        microphone.close();
        encoder.close();
        return;
      }
      this.#microphone = microphone;
      this.#encoder = encoder;
      this.mic = "open";
    } catch (error) {
      microphone?.close();
      if (turn !== this.#turn) return;
      this.micTrouble = error instanceof MicFailure ? error.why : "failed";
      this.mic = "failed";
      return;
    }
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /// How long the office's answers take on this line: its delay is made for that.
  async #measureTrip(turn: number): Promise<void> {
    for (let n = 0; n < TRIPS && turn === this.#turn; n++) {
      const began = performance.now();
      try {
        await api.get("/app", { open: true, timeoutMs: 5_000 });
      } catch {
        return;
      }
      // The first one opens the connection.
      if (n > 0) this.#tripMs = Math.max(this.#tripMs, performance.now() - began);
    }
  }

  async start(wish: Wish): Promise<void> {
    if (this.mic !== "open" || this.call === "asked" || this.call === "open" || this.call === "ending") return;
    this.#reset();
    this.call = "asked";
    if (!(await this.#microphone?.wake())) {
      this.call = "none";
      this.trouble = { code: "asleep", message: "", details: {} };
      return;
    }
    // Let go before anybody was asked: nothing happened.
    if (this.#letGo) {
      this.call = "none";
      return;
    }
    this.#microphone?.settle();
    void this.#stayAwake();
    let view: CallView;
    try {
      view = await api.post<CallView>("/calls", wish, {
        key: newKey(),
        headers: { "X-Round-Trip-Ms": String(Math.round(this.#tripMs)) },
        timeoutMs: 8_000,
        unasked: true,
      });
    } catch (error) {
      this.#release();
      this.call = "none";
      if (error instanceof ApiError && error.isOffline) void this.#endLost(wish);
      await this.#refused(error);
      return;
    }
    this.view = view;
    this.of = view.of;
    this.delayMs = view.delay_ms;
    this.leftS = view.longest_s;
    if (this.#letGo || !this.#encoder) {
      this.call = "ending";
      this.reason ||= "before";
      void this.#endByPost();
      return;
    }
    this.call = "open";
    this.#line = new Line(view.id, this.#encoder.codec, {
      onword: (word) => this.#word(word),
      online: (up) => {
        this.#isUp = up;
        this.#wasUp ||= up;
        if (!up && this.call === "ending") void this.#endByPost();
      },
      onlost: () => this.#over("lost"),
    });
  }

  /// No answer came, but the office may have made the call: a chime, and nobody speaks. It ends such a call after ten seconds
  /// anyway; here it is looked for and ended sooner. (Asked for again under the same key, a call that was never made would begin
  /// now, for nobody, and the office would give it the line of the next press.)
  async #endLost(wish: Wish): Promise<void> {
    try {
      const { calls } = await api.get<Calls>("/calls", { query: { limit: LOOKED }, timeoutMs: LOOK_MS });
      const lost = calls.find((one) => mayBe(one, wish, this.#user));
      // Pressed again meanwhile, it may be that call.
      if (!lost || this.call !== "none") return;
      await api.post(`/calls/${encodeURIComponent(lost.id)}/end`, {}, { key: newKey(), timeoutMs: LOOK_MS });
    } catch {
      // Then the office does it.
    }
  }

  async #refused(error: unknown): Promise<void> {
    if (error instanceof ApiError && error.needsProof) {
      // The hand that held the button types now: it is pressed again afterwards.
      if (await prove(methodsOf(error) as Method[])) this.trouble = { code: "proved", message: "", details: {} };
      return;
    }
    const code = error instanceof ApiError ? error.code : "";
    this.trouble = { code, message: words(error), details: error instanceof ApiError ? error.details : {} };
  }

  #reset(): void {
    this.#line?.close();
    this.#line = null;
    clearTimeout(this.#ending);
    this.view = null;
    this.trouble = null;
    this.reason = "";
    this.sounding = 0;
    this.untilMs = null;
    this.howl = "none";
    this.isWeak = false;
    this.#isUp = false;
    this.#wasUp = false;
    this.#letGo = false;
    this.#holes = 0;
    this.#weakMs = 0;
    this.#howling = new HowlDetector();
  }

  #take(frame: Frame): void {
    this.#meter.push(frame.samples);
    const microphone = this.#microphone;
    if (!microphone || !this.#line || this.call !== "open" || this.untilMs === null || this.untilMs > EARLY_MS) return;
    this.#encoder?.push(frame, microphone.capturedUs(frame));
    if (this.untilMs <= 0) this.howl = this.#howling.push(frame.samples, this.delayMs);
  }

  #tick(): void {
    this.level = this.#meter.value;
    this.isQuiet = this.#meter.isQuiet;
    const line = this.#line;
    if (!line || !this.view || this.call !== "open") return;
    const at = line.clock.toPhoneUs(Date.parse(this.view.speak_at) * 1_000);
    this.untilMs = at === null ? null : (at - monotonicUs()) / 1_000;
    if (line.dropped > 0) {
      line.dropped = 0;
      this.#weakMs = performance.now();
    }
    this.isWeak = this.#weakMs > 0 && performance.now() - this.#weakMs < WEAK_MS;
  }

  #word(word: FromOffice): void {
    if (word.is === "ended") return void this.#over(word.reason);
    if (word.is !== "state") return;
    this.sounding = word.sounding;
    this.of = word.of;
    this.delayMs = word.delayMs;
    this.leftS = word.leftS;
    if (word.holes > this.#holes) this.#weakMs = performance.now();
    this.#holes = word.holes;
    if (word.state === "ended") this.#over("");
  }

  /// The button was let go, or touched again.
  end(): void {
    if (this.call === "asked") {
      this.#letGo = true;
      return;
    }
    if (this.call !== "open") return;
    this.call = "ending";
    this.reason = this.untilMs === null || this.untilMs > 0 ? "before" : "released";
    this.#line?.end();
    // By both ways: one of them comes through.
    this.#ending = setTimeout(() => void this.#endByPost(), this.#isUp ? ENDING_MS : 0);
  }

  async #endByPost(): Promise<void> {
    clearTimeout(this.#ending);
    const id = this.view?.id;
    if (!id) return;
    let view: CallView | null = null;
    try {
      view = await api.post<CallView>(`/calls/${encodeURIComponent(id)}/end`, {}, { key: newKey(), timeoutMs: 5_000 });
    } catch {
      // Then it ends by itself: nothing comes any more.
    }
    // The next call may be on already: this is no word of that one.
    if (this.view?.id !== id) return;
    this.view = view ?? this.view;
    this.#over("");
  }

  /// Who heard it is told later, by the poles.
  #over(reason: string): void {
    if (this.call === "ended" || this.call === "none") return;
    clearTimeout(this.#ending);
    // What we know better than the office: why the hand let go.
    this.reason ||= reason || this.view?.reason || "released";
    this.call = "ended";
    this.#line?.close();
    this.#line = null;
    this.howl = "none";
    this.isWeak = false;
    this.#release();
    navigator.vibrate?.(200);
  }

  /// The screen went dark, something covers the app, the microphone is gone: nobody talks here any more.
  leave(why: "left" | "microphone"): void {
    const isCalling = this.call === "open" || this.call === "asked";
    if (isCalling) {
      this.end();
      this.reason = why;
      const id = this.view?.id;
      // The page may not live to hear the answer.
      if (id) void api.post(`/calls/${encodeURIComponent(id)}/end`, {}, { keepalive: true }).catch(() => {});
    }
    this.#shut();
    if (why === "microphone") {
      this.mic = "failed";
      this.micTrouble = "failed";
    }
  }
  /// For good: another screen.
  close(): void {
    this.leave("left");
    clearTimeout(this.#ending);
    this.#line?.close();
    this.#line = null;
    this.#release();
  }

  #encoderLost(): void {
    this.trouble = { code: "encoder", message: "", details: {} };
    this.leave("microphone");
    void this.prepare();
  }
  #shut(): void {
    this.#turn += 1;
    clearInterval(this.#timer);
    this.#microphone?.close();
    this.#microphone = null;
    this.#encoder?.close();
    this.#encoder = null;
    this.level = 0;
    if (this.mic === "open") this.mic = "asking";
  }

  async #stayAwake(): Promise<void> {
    // Not everywhere, and not with a low battery.
    const lock = (await navigator.wakeLock?.request("screen").catch(() => null)) ?? null;
    if (this.call === "asked" || this.call === "open") {
      this.#release();
      this.#wake = lock;
    } else void lock?.release().catch(() => {});
  }
  #release(): void {
    void this.#wake?.release().catch(() => {});
    this.#wake = null;
  }
}
