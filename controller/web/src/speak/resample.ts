/// Another sampling rate, piece by piece, without clicks between the pieces. Pure.

/// Zero crossings of the sinc on each side.
const CROSSINGS = 16;
const STEPS = 256;

/// Windowed sinc (Blackman), looked up in a table: good for speech, cheap on a phone.
export class Resampler {
  #step: number;
  #half: number;
  #table: Float32Array;
  #held: Float32Array;
  #place: number;
  #rate: number;

  constructor(from: number, to: number) {
    this.#step = from / to;
    this.#rate = from;
    // Going down, what the lower rate cannot hold is taken away first.
    const width = Math.max(1, this.#step) / 0.95;
    this.#half = Math.ceil(CROSSINGS * width);
    const size = this.#half * STEPS;
    this.#table = new Float32Array(size + 2);
    for (let i = 0; i <= size; i++) {
      const x = i / STEPS;
      const u = Math.PI * (x / width);
      const w = x / this.#half;
      const window = 0.42 + 0.5 * Math.cos(Math.PI * w) + 0.08 * Math.cos(2 * Math.PI * w);
      this.#table[i] = ((u === 0 ? 1 : Math.sin(u) / u) * window) / width;
    }
    this.#held = new Float32Array(2 * this.#half);
    this.#place = this.#half;
  }

  /// The first sample that comes out stands for a moment this long before the first that went in: the filter needs sound on
  /// both sides of every place, and begins with silence.
  get delayS(): number {
    return this.#half / this.#rate;
  }

  push(piece: Float32Array): Float32Array {
    const all = new Float32Array(this.#held.length + piece.length);
    all.set(this.#held);
    all.set(piece, this.#held.length);
    const out: number[] = [];
    let place = this.#place;
    while (place + this.#half < all.length) {
      const whole = Math.floor(place);
      let sum = 0;
      for (let k = whole - this.#half + 1; k <= whole + this.#half; k++) {
        const at = Math.abs(place - k) * STEPS;
        const i = Math.floor(at);
        const a = this.#table[i] ?? 0;
        const b = this.#table[i + 1] ?? 0;
        sum += (all[k] ?? 0) * (a + (b - a) * (at - i));
      }
      out.push(sum);
      place += this.#step;
    }
    const keep = Math.max(0, Math.floor(place) - this.#half);
    this.#held = all.slice(keep);
    this.#place = place - keep;
    return Float32Array.from(out);
  }
}
