/// Is it about to howl? Two signs: one clear tone that stands and does not fade, as no voice does; and the own voice that
/// comes back out of the horn after about the call's delay. Pure.
import { FRAME_MS, RATE } from "./frame";
import { rms } from "./level";
import { Spectrum } from "./spectrum";

/// `tone`: it howls. `echo`: the microphone hears the horn, and will howl when it comes nearer.
export type Howl = "none" | "tone" | "echo";

/// Half the rate is enough for both.
const OWN_RATE = RATE / 2;
const LOW_HZ = 150;
const HIGH_HZ = 8_000;
/// Of all that is heard, so much is the one tone …
const TONE_PART = 0.6;
/// … at the same pitch within this part of it …
const TONE_STAYS = 0.012;
/// … for so many frames; a voice's pitch moves more within 0.6 s.
const TONE_FRAMES = 30;
/// Quieter than this nobody hears it howl.
const TONE_RMS = 0.01;
/// A howl grows until it cannot any more; what fades is something else.
const TONE_FADES = 0.85;

/// Edges of the bands: narrow enough that no two syllables have the same colour.
const BANDS_HZ = [150, 225, 300, 380, 460, 550, 640, 740, 860, 1_000, 1_160, 1_340, 1_560, 1_820, 2_120, 2_480, 2_900, 3_400, 4_000];
const USUAL_FRAMES = 50;
/// So long a stretch of voice is compared with what came before it.
const ECHO_FRAMES = 200;
const LOOK_FRAMES = 10;
/// Nearer than this a syllable is like itself.
const NEAREST = 14;
/// The way back: what the call adds to the sound's own way and the microphone's.
const SOONER_MS = 100;
const LATER_MS = 320;
/// How alike, and how far above what two stretches of speech have in common by chance.
const ECHO_LIKE = 0.22;
const ECHO_ABOVE = 3;
/// So many looks in a row must find it at the same place.
const ECHO_LOOKS = 4;
/// What was seen is shown at least so long, so that one can read it.
const SHOWN_FRAMES = 150;

export class HowlDetector {
  #spectrum = new Spectrum(1_024);
  #tone = { hz: 0, frames: 0, first: 0 };
  /// Colour of the sound, frame by frame; the newest last.
  #changes: Float32Array[] = [];
  #usual = new Float32Array(BANDS_HZ.length - 1);
  #n = 0;
  #lag = 0;
  #looks = 0;
  #seen: { howl: Howl; at: number } = { howl: "none", at: 0 };

  /// One frame of 20 ms; `delayMs`: from mouth to horn.
  push(samples: Float32Array, delayMs: number): Howl {
    this.#n += 1;
    const half = new Float32Array(samples.length >> 1);
    for (let i = 0; i < half.length; i++) half[i] = ((samples[2 * i] ?? 0) + (samples[2 * i + 1] ?? 0)) / 2;
    const power = this.#spectrum.push(half);
    const loud = rms(samples);
    if (this.#isTone(power, loud)) this.#seen = { howl: "tone", at: this.#n };
    else if (this.#isEcho(power, delayMs) && this.#now !== "tone") this.#seen = { howl: "echo", at: this.#n };
    return this.#now;
  }
  get #now(): Howl {
    return this.#n - this.#seen.at < SHOWN_FRAMES ? this.#seen.howl : "none";
  }

  #isTone(power: Float32Array, loud: number): boolean {
    const width = OWN_RATE / this.#spectrum.size;
    const [low, high] = [Math.ceil(LOW_HZ / width), Math.floor(HIGH_HZ / width)];
    let [sum, top] = [0, low];
    // The mains' hum is below, and counts as what else there is.
    for (let i = 1; i < low; i++) sum += power[i] ?? 0;
    for (let i = low; i <= high; i++) {
      sum += power[i] ?? 0;
      if ((power[i] ?? 0) > (power[top] ?? 0)) top = i;
    }
    const near = (i: number) => power[i] ?? 0;
    const peak = near(top - 2) + near(top - 1) + near(top) + near(top + 1) + near(top + 2);
    if (loud < TONE_RMS || peak < TONE_PART * sum) {
      this.#tone.frames = 0;
      return false;
    }
    // Between the bins, from the heights beside the top.
    const [a, b, c] = [near(top - 1), near(top), near(top + 1)].map((p) => Math.log(p + 1e-12)) as [number, number, number];
    const hz = (top + (a - c) / (2 * (a - 2 * b + c) || 1)) * width;
    if (this.#tone.frames === 0 || Math.abs(hz - this.#tone.hz) > TONE_STAYS * this.#tone.hz) this.#tone = { hz, frames: 0, first: loud };
    this.#tone.frames += 1;
    return this.#tone.frames >= TONE_FRAMES && loud >= TONE_FADES * this.#tone.first;
  }

  #isEcho(power: Float32Array, delayMs: number): boolean {
    const width = OWN_RATE / this.#spectrum.size;
    const bands = new Float32Array(BANDS_HZ.length - 1);
    for (let b = 0; b < bands.length; b++) {
      let sum = 0;
      const to = Math.floor((BANDS_HZ[b + 1] ?? 0) / width);
      for (let i = Math.ceil((BANDS_HZ[b] ?? 0) / width); i < to; i++) sum += power[i] ?? 0;
      bands[b] = 10 * Math.log10(sum + 1e-4);
    }
    this.#changes.push(this.#colour(bands));
    const longest = Math.round((delayMs + LATER_MS) / FRAME_MS) + 40;
    if (this.#changes.length > ECHO_FRAMES + longest) this.#changes.splice(0, this.#changes.length - ECHO_FRAMES - longest);
    if (this.#changes.length < ECHO_FRAMES + longest || this.#n % LOOK_FRAMES !== 0) return false;
    return this.#look(delayMs, longest);
  }

  /// What is left when loudness is taken away, and what was there anyway: the voice of this moment alone.
  #colour(bands: Float32Array): Float32Array {
    const mean = bands.reduce((a, b) => a + b, 0) / bands.length;
    return bands.map((x, b) => {
      const own = x - mean;
      const usual = this.#usual[b] ?? 0;
      this.#usual[b] = usual + (own - usual) / USUAL_FRAMES;
      return Math.max(-15, Math.min(15, own - usual));
    });
  }

  /// How alike the newest stretch is to the one `lag` frames before it, -1 to 1.
  #alike(lag: number): number {
    const end = this.#changes.length;
    let [xy, xx, yy] = [0, 0, 0];
    for (let i = end - ECHO_FRAMES; i < end; i++) {
      const [x, y] = [this.#changes[i], this.#changes[i - lag]];
      if (!x || !y) continue;
      for (let b = 0; b < x.length; b++) {
        const [p, q] = [x[b] ?? 0, y[b] ?? 0];
        xy += p * q;
        xx += p * p;
        yy += q * q;
      }
    }
    return xy / Math.sqrt(xx * yy + 1e-9);
  }

  #look(delayMs: number, longest: number): boolean {
    const from = Math.max(NEAREST, Math.round((delayMs - SOONER_MS) / FRAME_MS));
    const to = Math.round((delayMs + LATER_MS) / FRAME_MS);
    let best = from;
    let most = -1;
    const others: number[] = [];
    for (let lag = NEAREST; lag <= longest; lag++) {
      const like = this.#alike(lag);
      if (lag < from || lag > to) others.push(like);
      else if (like > most) [most, best] = [like, lag];
    }
    const mean = others.reduce((a, b) => a + b, 0) / others.length;
    const spread = Math.sqrt(others.reduce((a, b) => a + (b - mean) ** 2, 0) / others.length);
    const found = most > ECHO_LIKE && most > mean + ECHO_ABOVE * Math.max(spread, 0.02);
    this.#looks = found && (this.#looks === 0 || Math.abs(best - this.#lag) <= 1) ? this.#looks + 1 : found ? 1 : 0;
    this.#lag = best;
    return this.#looks >= ECHO_LOOKS;
  }
}
