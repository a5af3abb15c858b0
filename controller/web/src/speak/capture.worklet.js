/// Runs beside the audio: hands on what the microphone gives, in one channel, in pieces of about 20 ms, each with its place.
class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.piece = Math.max(128, Math.round(sampleRate / 50));
    this.begin();
  }
  begin() {
    this.held = new Float32Array(this.piece);
    this.filled = 0;
    this.at = 0;
  }
  process(inputs) {
    const channels = inputs[0] ?? [];
    const length = channels[0]?.length ?? 128;
    for (let i = 0; i < length; i += 1) {
      if (this.filled === 0) this.at = currentFrame + i;
      let sum = 0;
      for (const channel of channels) sum += channel[i];
      this.held[this.filled] = channels.length > 0 ? sum / channels.length : 0;
      this.filled += 1;
      if (this.filled === this.piece) {
        this.port.postMessage({ at: this.at, samples: this.held }, [this.held.buffer]);
        this.begin();
      }
    }
    return true;
  }
}
registerProcessor("loa-capture", Capture);
