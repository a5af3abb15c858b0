import { describe, expect, it } from "vitest";
import { type Howl, HowlDetector } from "./howl";
import { frames, speechLike } from "./testing";

const RATE = 48_000;
function heard(sound: Float32Array, delayMs = 400): Howl[] {
  const detector = new HowlDetector();
  return frames(sound).map((frame) => detector.push(frame, delayMs));
}
/// The horn's sound, back in the microphone.
function withEcho(voice: Float32Array, delayMs: number, part: number): Float32Array {
  const lag = Math.round((delayMs * RATE) / 1_000);
  return voice.map((x, i) => x + part * (voice[i - lag] ?? 0));
}
function withTone(voice: Float32Array, fromS: number, loud: (s: number) => number, hz: (s: number) => number): Float32Array {
  let phase = 0;
  return voice.map((x, i) => {
    const s = i / RATE - fromS;
    if (s < 0) return x;
    phase += (2 * Math.PI * hz(s)) / RATE;
    return x + loud(s) * Math.sin(phase);
  });
}

describe("under the horn", () => {
  it("a tone that grows is warned of within a second", () => {
    const sound = withTone(speechLike(6, 1), 3, (s) => Math.min(0.5, 0.01 * 10 ** (1.5 * s)), () => 1_130);
    const first = heard(sound).indexOf("tone") * 0.02;
    expect(first).toBeGreaterThan(3);
    // It stands out of the voice after 0.8 s or so.
    expect(first).toBeLessThan(5);
  });
  it("a tone as loud as the amplifier can is warned of within a second", () => {
    const first = heard(withTone(speechLike(5, 2), 2, () => 0.5, () => 2_470)).indexOf("tone") * 0.02;
    expect(first).toBeGreaterThan(2);
    expect(first).toBeLessThan(3);
  });
  it("the own voice coming back is warned of before it howls", () => {
    for (const [part, delay] of [[0.5, 430], [0.3, 520], [1, 640]] as const) {
      const told = heard(withEcho(speechLike(10, 3 + delay), delay, part));
      expect(told, `${part} after ${delay} ms`).toContain("echo");
      expect(told).not.toContain("tone");
    }
  }, 15_000);
});

describe("far from the horn nobody is disturbed", () => {
  it("by minutes of speech of many voices", () => {
    for (let seed = 0; seed < 8; seed++) expect(new Set(heard(speechLike(15, 1_000 + seed))), `voice ${seed}`).toEqual(new Set(["none"]));
  }, 30_000);
  it("by a bell that fades", () => {
    const bell = withTone(new Float32Array(5 * RATE), 1, (s) => 0.4 * Math.exp(-3 * s), () => 880);
    expect(new Set(heard(bell))).toEqual(new Set(["none"]));
  });
  it("by a sung vowel, whose pitch lives", () => {
    const vowel = withTone(new Float32Array(4 * RATE), 0.5, () => 0.2, (s) => 220 * (1 + 0.02 * Math.sin(2 * Math.PI * 5 * s)));
    expect(new Set(heard(vowel))).toEqual(new Set(["none"]));
  });
  it("by the mains' hum, or by silence", () => {
    const hum = withTone(new Float32Array(4 * RATE), 0, () => 0.2, () => 50);
    expect(new Set(heard(hum))).toEqual(new Set(["none"]));
    expect(new Set(heard(new Float32Array(4 * RATE)))).toEqual(new Set(["none"]));
  });
});
