/// The line to the office while somebody speaks: a WebSocket that would rather lose a frame than fall behind.
import { OfficeClock } from "./clock";
import type { Encoded } from "./encoder";
import { type Codec, pack } from "./frame";
import { monotonicUs } from "./microphone";
import { address, AGAIN_MS, askClock, end, FIRST_MS, fits, type FromOffice, hello, read, SILENT_MS } from "./protocol";

/// Until speech begins the clocks are compared often (the line may be busy with something else at first), then now and then.
const FIRST_ASKS_MS = [0, 60, 120, 180, 300, 600, 1_000, 1_400, 1_800, 2_400, 3_000];
const CLOCK_MS = 5_000;
const LOOK_MS = 250;
const RETRY_MS = 400;

export interface LineHooks {
  onword: (word: FromOffice) => void;
  /// `false`: nobody hears what is said now. `true`: they do again.
  online: (up: boolean) => void;
  /// It was tried long enough.
  onlost: () => void;
}

export class Line {
  readonly clock = new OfficeClock();
  #url: string;
  #codec: Codec;
  #hooks: LineHooks;
  #socket: WebSocket | null = null;
  #timers = new Set<ReturnType<typeof setTimeout>>();
  #up = false;
  #wasUp = false;
  #over = false;
  #heardMs = performance.now();
  #downMs = performance.now();
  /// Frames that were let go because the line was full.
  dropped = 0;

  constructor(call: string, codec: Codec, hooks: LineHooks) {
    this.#url = address(location, call);
    this.#codec = codec;
    this.#hooks = hooks;
    this.#open();
    this.#every(LOOK_MS, () => this.#look());
    this.#every(CLOCK_MS, () => this.#ask());
  }

  #open(): void {
    const socket = new WebSocket(this.#url);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.onopen = () => {
      this.#heardMs = performance.now();
      socket.send(hello(this.#codec));
      for (const ms of FIRST_ASKS_MS) this.#later(ms, () => this.#ask());
    };
    socket.onmessage = ({ data }) => {
      if (typeof data !== "string" || this.#socket !== socket) return;
      this.#heardMs = performance.now();
      const word = read(data);
      if (word.is === "clock") this.clock.learn({ ...word, cameUs: monotonicUs() });
      if (word.is === "ended") this.#over = true;
      this.#mark(true);
      this.#hooks.onword(word);
    };
    // An error is followed by a close.
    socket.onclose = () => {
      if (this.#socket !== socket || this.#over) return;
      this.#socket = null;
      this.#mark(false);
      this.#later(RETRY_MS, () => {
        if (!this.#over && this.#socket === null) this.#open();
      });
    };
  }

  #look(): void {
    if (this.#over) return;
    const now = performance.now();
    if (now - this.#heardMs > SILENT_MS) this.#mark(false);
    if (!this.#up && now - this.#downMs > (this.#wasUp ? AGAIN_MS : FIRST_MS)) {
      this.close();
      this.#hooks.onlost();
    }
  }
  #mark(up: boolean): void {
    if (this.#up === up) return;
    this.#up = up;
    this.#wasUp ||= up;
    if (!up) this.#downMs = performance.now();
    this.#hooks.online(up);
  }
  #ask(): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(askClock(monotonicUs()));
  }

  /// Before the clocks agree nothing is sent: nobody would know when it was said.
  send(frame: Encoded): void {
    const socket = this.#socket;
    const at = this.clock.capture(frame.capturedUs, monotonicUs());
    if (!socket || socket.readyState !== WebSocket.OPEN || at === null) return;
    if (!fits(this.#codec, socket.bufferedAmount)) {
      this.dropped += 1;
      return;
    }
    socket.send(pack(this.#codec, frame.number, at, frame.payload));
  }

  /// The speaker of the words says that it is over.
  end(): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(end());
  }
  close(): void {
    this.#over = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#socket?.close();
    this.#socket = null;
  }

  #later(ms: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, ms);
    this.#timers.add(timer);
  }
  #every(ms: number, run: () => void): void {
    this.#later(ms, () => {
      run();
      this.#every(ms, run);
    });
  }
}
