import { describe, expect, it } from "vitest";
import { type Frame, Framer, pack, toPcm16 } from "./frame";
import { Meter } from "./level";
import { Resampler } from "./resample";

const tone = (rate: number, seconds: number, hz: number) =>
  Float32Array.from({ length: Math.round(rate * seconds) }, (_, i) => 0.5 * Math.sin((2 * Math.PI * hz * i) / rate));

describe("frames of 20 ms", () => {
  it("are cut from pieces of any length, each with its place", () => {
    const framer = new Framer(48_000);
    const sound = tone(48_000, 0.1, 440);
    const out = [];
    for (let at = 0; at < sound.length; at += 128) out.push(...framer.push(1_000 + at, sound.slice(at, at + 128)));
    expect(out.map((f) => f.number)).toEqual([0, 1, 2, 3, 4].slice(0, out.length));
    expect(out.length).toBe(Math.floor(sound.length / 960));
    expect(out[2]?.atS).toBeCloseTo((1_000 + 2 * 960) / 48_000, 9);
    expect(out[1]?.samples.length).toBe(960);
    expect(out[1]?.samples[0]).toBeCloseTo(sound[960] ?? 0, 6);
  });
  it("keep their place where some of the sound was never captured: a gap in the numbers", () => {
    const framer = new Framer(48_000);
    const first = framer.push(0, new Float32Array(960 * 2 + 300));
    const later = framer.push(960 * 10, new Float32Array(960));
    expect(first.map((f) => f.number)).toEqual([0, 1]);
    expect(later.map((f) => [f.number, f.atS])).toEqual([[10, 0.2]]);
  });
  it("come at 48 kHz from a microphone that has another rate, in step with it for a minute", () => {
    const framer = new Framer(44_100);
    let last: Frame = { number: -1, atS: 0, samples: new Float32Array() };
    for (let at = 0; at < 44_100 * 60; at += 882) {
      for (const frame of framer.push(at, new Float32Array(882))) {
        expect(frame.number).toBe(last.number + 1);
        last = frame;
      }
    }
    expect(last.atS).toBeCloseTo(last.number * 0.02, 2);
    expect(last.number).toBeGreaterThan(2_990);
  });
});

describe("another rate", () => {
  for (const [from, to] of [[44_100, 48_000], [48_000, 16_000]] as const) {
    it(`${from} to ${to} keeps the tone, and nothing is heard between the pieces`, () => {
      const resampler = new Resampler(from, to);
      const sound = tone(from, 0.5, 1_000);
      const out: number[] = [];
      for (let at = 0; at < sound.length; at += 441) out.push(...resampler.push(sound.slice(at, at + 441)));
      const delay = resampler.delayS;
      let worst = 0;
      for (let i = Math.round(0.1 * to); i < 0.4 * to; i++) {
        const wanted = 0.5 * Math.sin(2 * Math.PI * 1_000 * (i / to - delay));
        worst = Math.max(worst, Math.abs((out[i] ?? 0) - wanted));
      }
      expect(worst).toBeLessThan(0.005);
    });
  }
  it("what the lower rate cannot hold does not come back as another tone", () => {
    const out = new Resampler(48_000, 16_000).push(tone(48_000, 0.5, 11_000));
    expect(Math.max(...out.slice(1_000).map(Math.abs))).toBeLessThan(0.01);
  });
});

describe("what the office takes", () => {
  it("has kind, number and moment before the sound", () => {
    const bytes = pack("opus", 258, 1_795_000_000_123_456, new Uint8Array([7, 8]));
    const view = new DataView(bytes.buffer);
    expect([...bytes.slice(0, 5)]).toEqual([1, 0, 0, 1, 2]);
    expect(view.getBigInt64(5)).toBe(1_795_000_000_123_456n);
    expect([...bytes.slice(13)]).toEqual([7, 8]);
    expect(pack("pcm16", 0, 0, new Uint8Array(640)).length).toBe(653);
    expect(pack("pcm16", 0, 0, new Uint8Array())[0]).toBe(2);
  });
  it("as samples is little-endian, and cut off where it is too loud", () => {
    expect([...toPcm16(new Float32Array([0, 1, -2, 0.5]))]).toEqual([0, 0, 255, 127, 1, 128, 0, 64]);
  });
});

it("the meter rises at once, falls for the eye, and knows that nobody speaks", () => {
  const meter = new Meter();
  meter.push(tone(48_000, 0.02, 300));
  expect(meter.value).toBeGreaterThan(0.8);
  meter.push(new Float32Array(960));
  expect(meter.value).toBeGreaterThan(0.7);
  for (let i = 0; i < 200; i++) meter.push(new Float32Array(960));
  expect(meter.value).toBeLessThan(0.01);
  expect(meter.isQuiet).toBe(true);
});
