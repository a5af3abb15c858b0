/// The microphone, open: hands out frames of 20 ms, and knows when each was captured by the phone's monotonic clock (µs).
import { CaptureClock } from "./clock";
import { type Frame, Framer, RATE } from "./frame";
import url from "./capture.worklet.js?url";

export type MicTrouble = "denied" | "absent" | "insecure" | "unable" | "failed";
export class MicFailure extends Error {
  constructor(readonly why: MicTrouble) {
    super(why);
    this.name = "MicFailure";
  }
}

interface Heard {
  onframe: (frame: Frame) => void;
  /// The microphone was taken away: a phone call came in, or it was pulled out.
  onlost: () => void;
}

/// A sleeping audio clock wakes at once or not at all.
const WAKE_MS = 400;

export const monotonicUs = (): number => performance.now() * 1_000;

export class Microphone {
  #stream: MediaStream;
  #audio: AudioContext;
  #clock: CaptureClock;
  #ends: (() => void)[] = [];

  private constructor(stream: MediaStream, audio: AudioContext) {
    this.#stream = stream;
    this.#audio = audio;
    // What the browser knows of the way from the membrane to the audio clock.
    const known = (stream.getAudioTracks()[0]?.getSettings() as { latency?: number } | undefined)?.latency;
    this.#clock = new CaptureClock(known ?? audio.baseLatency ?? 0);
  }

  /// Throws a `MicFailure`.
  static async open(heard: Heard): Promise<Microphone> {
    if (!isSecureContext || !navigator.mediaDevices?.getUserMedia) throw new MicFailure("insecure");
    if (typeof AudioWorkletNode === "undefined") throw new MicFailure("unable");
    let stream: MediaStream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
      });
    } catch (error) {
      const name = error instanceof DOMException ? error.name : "";
      if (name === "NotAllowedError" || name === "SecurityError") throw new MicFailure("denied");
      throw new MicFailure(name === "NotFoundError" ? "absent" : "failed");
    }
    const { audio, source } = listenOr(stream);
    const mic = new Microphone(stream, audio);
    try {
      await mic.#begin(source, heard);
    } catch {
      mic.close();
      throw new MicFailure("failed");
    }
    return mic;
  }

  async #begin(source: MediaStreamAudioSourceNode, heard: Heard): Promise<void> {
    const { sampleRate } = this.#audio;
    const track = this.#stream.getAudioTracks()[0];
    const framer = new Framer(sampleRate);
    await this.#audio.audioWorklet.addModule(url);
    const node = new AudioWorkletNode(this.#audio, "loa-capture", { numberOfInputs: 1, numberOfOutputs: 1, outputChannelCount: [1] });
    node.port.onmessage = ({ data }: MessageEvent<{ at: number; samples: Float32Array }>) => {
      this.#clock.arrived((data.at + data.samples.length) / sampleRate, monotonicUs());
      for (const frame of framer.push(data.at, data.samples)) heard.onframe(frame);
    };
    source.connect(node);
    // Some browsers run only what leads to the output; the node itself is silent.
    node.connect(this.#audio.destination);
    this.#ends.push(() => {
      node.port.onmessage = null;
      node.disconnect();
    });
    const lost = () => heard.onlost();
    track?.addEventListener("ended", lost);
    track?.addEventListener("mute", lost);
    this.#ends.push(() => {
      track?.removeEventListener("ended", lost);
      track?.removeEventListener("mute", lost);
    });
  }

  /// Before somebody speaks.
  settle(): void {
    this.#clock.settle();
  }
  /// When a frame that was just handed out was captured.
  capturedUs(frame: Frame): number {
    return this.#clock.capturedUs(frame.atS, monotonicUs());
  }
  /// Browsers let sound run only after a touch. `false`: not even this one was enough.
  async wake(): Promise<boolean> {
    if (this.#audio.state === "running") return true;
    const awake = this.#audio.resume().then(() => true, () => false);
    return await Promise.race([awake, new Promise<boolean>((done) => setTimeout(() => done(false), WAKE_MS))]);
  }
  close(): void {
    for (const end of this.#ends.splice(0)) end();
    for (const track of this.#stream.getTracks()) track.stop();
    void this.#audio.close().catch(() => {});
  }
}

/// As `listen`; who cannot hear it leaves it to others.
function listenOr(stream: MediaStream): ReturnType<typeof listen> {
  try {
    return listen(stream);
  } catch {
    for (const track of stream.getTracks()) track.stop();
    throw new MicFailure("failed");
  }
}

/// At 48 kHz where the browser converts; otherwise at the microphone's own rate.
function listen(stream: MediaStream): { audio: AudioContext; source: MediaStreamAudioSourceNode } {
  const audio = new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
  try {
    return { audio, source: audio.createMediaStreamSource(stream) };
  } catch {
    void audio.close().catch(() => {});
    const own = new AudioContext({ latencyHint: "interactive" });
    return { audio: own, source: own.createMediaStreamSource(stream) };
  }
}
