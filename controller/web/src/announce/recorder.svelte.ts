/// The microphone: records, shows how loud, and writes every second to the phone's disk.
import { exactNow } from "../lib/clock.svelte";
import { newKey } from "../api/client";
import { append, begin, dropRecording, extension, type Recording } from "./recordings";

export type RecorderState = "idle" | "asking" | "recording" | "paused" | "done" | "failed";
export type MicTrouble = "denied" | "absent" | "insecure" | "failed";

/// In the order in which we like them; Safari has only the last.
const TYPES = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4"];
const PIECE_MS = 1_000;
const TICK_MS = 80;
/// Speech close to the microphone is well above this.
const QUIET = 0.02;
const QUIET_AFTER_S = 4;

export class Recorder {
  state = $state<RecorderState>("idle");
  trouble = $state<MicTrouble | null>(null);
  /// 0 to 1.
  level = $state(0);
  seconds = $state(0);
  /// Nothing loud enough was heard for a while.
  isQuiet = $state(false);
  recording: Recording | null = null;
  #user: string;
  #limitS: number;
  #media: MediaRecorder | null = null;
  #stream: MediaStream | null = null;
  #audio: AudioContext | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;
  #since = 0;
  #before = 0;
  #loudAt = 0;
  #pieces = 0;
  #writing: Promise<void> = Promise.resolve();
  #wake: WakeLockSentinel | null = null;

  constructor(user: string, limitS: number) {
    this.#user = user;
    this.#limitS = limitS;
  }

  async start(): Promise<void> {
    this.state = "asking";
    this.trouble = null;
    if (!navigator.mediaDevices?.getUserMedia || typeof MediaRecorder === "undefined") return this.#fail("insecure");
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({
        audio: { channelCount: 1, echoCancellation: false, noiseSuppression: true, autoGainControl: true },
      });
    } catch (error) {
      const name = error instanceof DOMException ? error.name : "";
      if (name === "NotAllowedError" || name === "SecurityError") return this.#fail("denied");
      return this.#fail(name === "NotFoundError" ? "absent" : "failed");
    }
    // Left while the browser was asking.
    if (this.state !== "asking") return this.#release();
    try {
      await this.#begin(this.#stream);
    } catch {
      this.#release();
      this.#fail("failed");
    }
  }

  async #begin(stream: MediaStream): Promise<void> {
    const mime = TYPES.find((type) => MediaRecorder.isTypeSupported(type)) ?? "";
    const media = new MediaRecorder(stream, { ...(mime ? { mimeType: mime } : {}), audioBitsPerSecond: 48_000 });
    this.#media = media;
    const type = media.mimeType || mime || "audio/webm";
    const id = newKey();
    const recording: Recording = { id, user: this.#user, madeMs: exactNow(), mime: type, durationS: 0, name: `${id}.${extension(type)}` };
    this.recording = recording;
    await begin(recording);
    media.ondataavailable = ({ data }) => {
      if (data.size === 0) return;
      const n = this.#pieces++;
      const now = { ...recording, durationS: this.#elapsed() };
      this.#writing = this.#writing.then(() => append(now, n, data)).catch(() => {});
    };
    // The microphone was taken away (a call came in): what there is, stays.
    media.onerror = () => void this.finish();
    for (const track of stream.getTracks()) track.onended = () => void this.finish();
    this.#watchLevel(stream);
    media.start(PIECE_MS);
    this.#since = exactNow();
    this.#loudAt = this.#since;
    this.state = "recording";
    void this.#stayAwake();
    // The lock is lost whenever the page is not in sight.
    document.addEventListener("visibilitychange", this.#seen);
  }

  #seen = (): void => {
    if (document.visibilityState === "visible" && this.state === "recording") void this.#stayAwake();
  };

  #watchLevel(stream: MediaStream): void {
    const audio = new AudioContext();
    this.#audio = audio;
    const analyser = audio.createAnalyser();
    analyser.fftSize = 2048;
    audio.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.#timer = setInterval(() => {
      this.seconds = this.#elapsed();
      if (this.state !== "recording") {
        this.level = 0;
        return;
      }
      analyser.getFloatTimeDomainData(samples);
      let sum = 0;
      for (const x of samples) sum += x * x;
      const rms = Math.sqrt(sum / samples.length);
      // 0 at -54 dB, 1 at -6 dB.
      const shown = Math.min(1, Math.max(0, (20 * Math.log10(rms + 1e-6) + 54) / 48));
      this.level = Math.max(shown, this.level * 0.82);
      if (rms > QUIET) this.#loudAt = exactNow();
      this.isQuiet = exactNow() - this.#loudAt > QUIET_AFTER_S * 1_000;
      if (this.seconds >= this.#limitS) void this.finish();
    }, TICK_MS);
  }

  #elapsed(): number {
    const running = this.state === "recording" ? exactNow() - this.#since : 0;
    return (this.#before + running) / 1_000;
  }

  pause(): void {
    if (this.state !== "recording") return;
    this.#before += exactNow() - this.#since;
    this.state = "paused";
    this.#media?.pause();
    // What was said so far goes to the disk now, not with the next piece.
    this.#media?.requestData();
  }
  resume(): void {
    if (this.state !== "paused") return;
    this.#since = exactNow();
    this.#loudAt = this.#since;
    this.state = "recording";
    this.#media?.resume();
    void this.#stayAwake();
  }

  /// The whole recording, on the disk.
  async finish(): Promise<Recording | null> {
    if (this.state === "asking") {
      this.state = "idle";
      return null;
    }
    const media = this.#media;
    if (!media || !this.recording || (this.state !== "recording" && this.state !== "paused")) return null;
    const durationS = this.#elapsed();
    this.#before = durationS * 1_000;
    this.state = "done";
    this.seconds = durationS;
    if (media.state !== "inactive") {
      await new Promise<void>((stopped) => {
        media.onstop = () => stopped();
        media.stop();
      });
    }
    await this.#writing;
    this.#release();
    this.recording = { ...this.recording, durationS };
    await begin(this.recording).catch(() => {});
    return this.recording;
  }

  async discard(): Promise<void> {
    const recording = this.recording;
    await this.finish();
    if (recording) await dropRecording(recording.id).catch(() => {});
    this.recording = null;
    this.state = "idle";
  }

  async #stayAwake(): Promise<void> {
    // Not everywhere, and not with a low battery: then the screen may go dark, the recording goes on.
    this.#wake = (await navigator.wakeLock?.request("screen").catch(() => null)) ?? null;
  }
  #release(): void {
    clearInterval(this.#timer);
    document.removeEventListener("visibilitychange", this.#seen);
    for (const track of this.#stream?.getTracks() ?? []) {
      track.onended = null;
      track.stop();
    }
    void this.#audio?.close().catch(() => {});
    void this.#wake?.release().catch(() => {});
    this.#wake = null;
    this.#stream = null;
    this.#media = null;
    this.level = 0;
    this.isQuiet = false;
  }
  #fail(trouble: MicTrouble): void {
    this.trouble = trouble;
    this.state = "failed";
  }
}
