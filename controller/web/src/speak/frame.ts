/// From the microphone's pieces to frames of 20 ms, numbered by their place in time, and into the bytes that the office takes.
/// Pure.
import { Resampler } from "./resample";

export const FRAME_MS = 20;
/// What is spoken is counted in samples of this rate.
export const RATE = 48_000;
export const FRAME_SAMPLES = (RATE * FRAME_MS) / 1_000;
/// Without an encoder on the phone the office gets plain samples of this rate.
export const PCM_RATE = 16_000;

export interface Frame {
  /// Counts the frames of the capture: a gap in the numbers is a gap in the sound.
  number: number;
  /// When its first sample was taken, in seconds of the audio clock.
  atS: number;
  /// 960 at 48 kHz.
  samples: Float32Array;
}

/// Cuts what comes in pieces of any length.
export class Framer {
  #rate: number;
  #resampler: Resampler | null;
  #held = new Float32Array(FRAME_SAMPLES);
  #filled = 0;
  #next = 0;
  /// Where the first frame began, in samples of the microphone.
  #first = 0;
  #number = 0;
  #begun = false;
  /// Samples of 48 kHz since the place where numbers were last bound to the clock.
  #since = 0;
  #base = 0;

  constructor(rate: number) {
    this.#rate = rate;
    this.#resampler = rate === RATE ? null : new Resampler(rate, RATE);
  }

  /// `at`: the place of the first sample in the capture, in samples of the microphone's rate.
  push(at: number, piece: Float32Array): Frame[] {
    if (!this.#begun) {
      this.#begun = true;
      this.#first = at;
      this.#bind(at, 0);
    } else if (at !== this.#next) this.#leap(at);
    this.#next = at + piece.length;
    const samples = this.#resampler ? this.#resampler.push(piece) : piece;
    const out: Frame[] = [];
    let from = 0;
    while (from < samples.length) {
      const n = Math.min(samples.length - from, FRAME_SAMPLES - this.#filled);
      this.#held.set(samples.subarray(from, from + n), this.#filled);
      this.#filled += n;
      from += n;
      if (this.#filled < FRAME_SAMPLES) break;
      const delay = this.#resampler?.delayS ?? 0;
      out.push({ number: this.#number, atS: this.#base + this.#since / RATE - delay, samples: this.#held });
      this.#held = new Float32Array(FRAME_SAMPLES);
      this.#filled = 0;
      this.#since += FRAME_SAMPLES;
      this.#number += 1;
    }
    return out;
  }

  #bind(at: number, number: number): void {
    this.#base = at / this.#rate;
    this.#since = 0;
    this.#filled = 0;
    this.#number = number;
  }

  /// Some of it was never captured: what follows keeps its place in time, and what was half a frame is let go.
  #leap(at: number): void {
    const passed = ((at - this.#first) / this.#rate) * 1_000;
    this.#resampler = this.#rate === RATE ? null : new Resampler(this.#rate, RATE);
    this.#bind(at, Math.max(this.#number + 1, Math.round(passed / FRAME_MS)));
  }
}

export const KIND = { opus: 1, pcm16: 2 } as const;
export type Codec = keyof typeof KIND;
const HEAD_BYTES = 13;

/// One frame as the office takes it: what it is, its number, and when it was captured by the office's clock (Unix µs).
export function pack(codec: Codec, number: number, capturedUs: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEAD_BYTES + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, KIND[codec]);
  view.setUint32(1, number >>> 0);
  view.setBigInt64(5, BigInt(Math.round(capturedUs)));
  bytes.set(payload, HEAD_BYTES);
  return bytes;
}

/// As signed 16 bit, little-endian; too loud is cut off.
export function toPcm16(samples: Float32Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(samples.length * 2);
  const view = new DataView(bytes.buffer);
  for (const [i, x] of samples.entries()) view.setInt16(2 * i, Math.round(Math.min(1, Math.max(-1, x)) * 32_767), true);
  return bytes;
}
