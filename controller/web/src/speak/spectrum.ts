/// The power spectrum of a short stretch of sound. Pure.

/// Radix-2 FFT in place; `re` and `im` of a length that is a power of two.
export function fft(re: Float32Array, im: Float32Array): void {
  const n = re.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      const [a, b] = [re[i] ?? 0, im[i] ?? 0];
      re[i] = re[j] ?? 0;
      im[i] = im[j] ?? 0;
      re[j] = a;
      im[j] = b;
    }
  }
  for (let size = 2; size <= n; size <<= 1) {
    const angle = (-2 * Math.PI) / size;
    const [wr, wi] = [Math.cos(angle), Math.sin(angle)];
    for (let start = 0; start < n; start += size) {
      let [cr, ci] = [1, 0];
      for (let k = 0; k < size / 2; k++) {
        const [a, b] = [start + k, start + k + size / 2];
        const [br, bi] = [re[b] ?? 0, im[b] ?? 0];
        const [xr, xi] = [br * cr - bi * ci, br * ci + bi * cr];
        const [ar, ai] = [re[a] ?? 0, im[a] ?? 0];
        re[a] = ar + xr;
        im[a] = ai + xi;
        re[b] = ar - xr;
        im[b] = ai - xi;
        [cr, ci] = [cr * wr - ci * wi, cr * wi + ci * wr];
      }
    }
  }
}

/// Of the newest `size` samples, with a Hann window; `size / 2` bins.
export class Spectrum {
  readonly size: number;
  readonly power: Float32Array;
  #held: Float32Array;
  #window: Float32Array;

  constructor(size = 2_048) {
    this.size = size;
    this.power = new Float32Array(size / 2);
    this.#held = new Float32Array(size);
    this.#window = Float32Array.from({ length: size }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / size));
  }

  /// No more than `size` samples at a time.
  push(samples: Float32Array): Float32Array {
    this.#held.copyWithin(0, samples.length);
    this.#held.set(samples, this.size - samples.length);
    const re = this.#held.map((x, i) => x * (this.#window[i] ?? 0));
    const im = new Float32Array(this.size);
    fft(re, im);
    for (let i = 0; i < this.power.length; i++) this.power[i] = (re[i] ?? 0) ** 2 + (im[i] ?? 0) ** 2;
    return this.power;
  }
}
