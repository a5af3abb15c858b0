/// How loud: what the meter shows. Pure.

export function rms(samples: Float32Array): number {
  let sum = 0;
  for (const x of samples) sum += x * x;
  return Math.sqrt(sum / Math.max(1, samples.length));
}

/// 0 at -54 dB, 1 at -6 dB; falls slowly enough for the eye.
export class Meter {
  value = 0;
  #quietFrames = 0;

  push(samples: Float32Array): void {
    const loud = rms(samples);
    const shown = Math.min(1, Math.max(0, (20 * Math.log10(loud + 1e-6) + 54) / 48));
    this.value = Math.max(shown, this.value * 0.94);
    this.#quietFrames = loud > QUIET ? 0 : this.#quietFrames + 1;
  }
  /// Nothing like speech near the microphone for 4 s.
  get isQuiet(): boolean {
    return this.#quietFrames > 200;
  }
}
const QUIET = 0.01;
