/// For tests: sound as uneven as speech, with a seed.

export function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/// Syllables of random pitch, colour and length, with short pauses and a little noise, at 48 kHz.
export function speechLike(seconds: number, seed: number, rate = 48_000): Float32Array {
  const next = chance(seed);
  const out = new Float32Array(Math.round(seconds * rate));
  let at = 0;
  while (at < out.length) {
    const length = Math.round(rate * (0.08 + 0.2 * next()));
    const pitch = 95 + 165 * next();
    const glide = (next() - 0.5) * 60;
    const colours = Array.from({ length: 16 }, (_, n) => (next() * 2 - 1) / Math.sqrt(n + 1));
    const loud = 0.3 + 0.7 * next();
    let phase = 0;
    for (let i = 0; i < length && at + i < out.length; i++) {
      phase += (2 * Math.PI * (pitch + (glide * i) / length)) / rate;
      const shape = Math.sin((Math.PI * i) / length);
      let x = 0;
      for (let n = 0; n < colours.length; n++) x += (colours[n] ?? 0) * Math.sin(phase * (n + 1));
      out[at + i] = 0.06 * loud * shape * x;
    }
    at += length + Math.round(rate * (next() < 0.15 ? 0.3 * next() : 0.06 * next()));
  }
  for (let i = 0; i < out.length; i++) out[i] = (out[i] ?? 0) + 0.0005 * (next() - 0.5);
  return out;
}

export function frames(samples: Float32Array, size = 960): Float32Array[] {
  return Array.from({ length: Math.floor(samples.length / size) }, (_, i) => samples.slice(i * size, (i + 1) * size));
}
