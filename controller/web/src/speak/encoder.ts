/// From samples to what is sent: Opus where the browser encodes it, plain samples of 16 kHz where it does not.
import { type Codec, type Frame, FRAME_MS, PCM_RATE, RATE, toPcm16 } from "./frame";
import { Resampler } from "./resample";

export interface Encoded {
  number: number;
  capturedUs: number;
  payload: Uint8Array;
}
export interface Encoder {
  codec: Codec;
  /// `capturedUs`: by the phone's clock.
  push(frame: Frame, capturedUs: number): void;
  close(): void;
}

const OPUS: AudioEncoderConfig = {
  codec: "opus",
  sampleRate: RATE,
  numberOfChannels: 1,
  bitrate: 24_000,
  // For a line that loses packets: each frame carries the one before in small.
  opus: {
    format: "opus",
    frameDuration: FRAME_MS * 1_000,
    complexity: 5,
    packetlossperc: 10,
    useinbandfec: true,
    usedtx: false,
    ...{ application: "voip", signal: "voice" },
  },
};
/// So many frames may be in the encoder; a phone that is slower than that loses some.
const MOST_INSIDE = 25;

async function config(): Promise<AudioEncoderConfig | null> {
  if (typeof AudioEncoder === "undefined" || typeof AudioData === "undefined") return null;
  const plain: AudioEncoderConfig = { ...OPUS, opus: { format: "opus", frameDuration: FRAME_MS * 1_000 } };
  for (const one of [OPUS, plain]) {
    const { supported } = await AudioEncoder.isConfigSupported(one).catch(() => ({ supported: false }));
    if (supported) return one;
  }
  return null;
}

/// `onframe` gets each frame in order. `onlost`: the encoder gave up.
export async function makeEncoder(onframe: (frame: Encoded) => void, onlost: () => void): Promise<Encoder> {
  const opus = await config();
  return opus ? new OpusEncoder(opus, onframe, onlost) : new PcmEncoder(onframe);
}

class OpusEncoder implements Encoder {
  readonly codec = "opus";
  #encoder: AudioEncoder;
  /// The encoder's own count of frames. Chromium goes on counting over a gap in the time that it is told, between two calls
  /// or where the microphone stuttered; so it is told of none.
  #count = 0;
  /// What is inside, by that count.
  #inside = new Map<number, { number: number; capturedUs: number }>();

  constructor(opus: AudioEncoderConfig, onframe: (frame: Encoded) => void, onlost: () => void) {
    this.#encoder = new AudioEncoder({
      output: (chunk) => {
        const count = Math.round(chunk.timestamp / (FRAME_MS * 1_000));
        const frame = this.#inside.get(count);
        // What was before it comes no more.
        for (const inside of this.#inside.keys()) if (inside <= count) this.#inside.delete(inside);
        if (frame === undefined) return;
        const payload = new Uint8Array(chunk.byteLength);
        chunk.copyTo(payload);
        onframe({ ...frame, payload });
      },
      error: onlost,
    });
    this.#encoder.configure(opus);
  }
  push({ number, samples }: Frame, capturedUs: number): void {
    if (this.#encoder.state !== "configured" || this.#inside.size >= MOST_INSIDE) return;
    const count = this.#count++;
    this.#inside.set(count, { number, capturedUs });
    const data = new AudioData({
      format: "f32",
      sampleRate: RATE,
      numberOfFrames: samples.length,
      numberOfChannels: 1,
      timestamp: count * FRAME_MS * 1_000,
      data: samples as Float32Array<ArrayBuffer>,
    });
    this.#encoder.encode(data);
    data.close();
  }
  close(): void {
    if (this.#encoder.state !== "closed") this.#encoder.close();
    this.#inside.clear();
  }
}

const PCM_SAMPLES = (PCM_RATE * FRAME_MS) / 1_000;

/// Exported for its test.
export class PcmEncoder implements Encoder {
  readonly codec = "pcm16";
  #onframe: (frame: Encoded) => void;
  #resampler = new Resampler(RATE, PCM_RATE);
  #held = new Float32Array(0);
  #last = -1;

  constructor(onframe: (frame: Encoded) => void) {
    this.#onframe = onframe;
  }
  push({ number, samples }: Frame, capturedUs: number): void {
    if (number !== this.#last + 1) {
      this.#resampler = new Resampler(RATE, PCM_RATE);
      this.#held = new Float32Array(0);
    }
    this.#last = number;
    const more = this.#resampler.push(samples);
    const all = new Float32Array(this.#held.length + more.length);
    all.set(this.#held);
    all.set(more, this.#held.length);
    if (all.length < PCM_SAMPLES) {
      // The filter holds a little back at the beginning: silence stands for it, so that every frame has its frame.
      const full = new Float32Array(PCM_SAMPLES);
      full.set(all, PCM_SAMPLES - all.length);
      this.#held = new Float32Array(0);
      this.#give(number, capturedUs, full);
      return;
    }
    this.#held = all.slice(PCM_SAMPLES);
    this.#give(number, capturedUs, all.subarray(0, PCM_SAMPLES));
  }
  #give(number: number, capturedUs: number, samples: Float32Array): void {
    this.#onframe({ number, capturedUs, payload: toPcm16(samples) });
  }
  close(): void {}
}
