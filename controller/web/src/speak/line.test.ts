import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { PcmEncoder } from "./encoder";
import { Line } from "./line";
import { speechLike } from "./testing";

class Socket {
  static readonly OPEN = 1;
  static all: Socket[] = [];
  readyState = 0;
  binaryType = "";
  bufferedAmount = 0;
  sent: (string | Uint8Array)[] = [];
  onopen: () => void = () => {};
  onmessage: (event: { data: unknown }) => void = () => {};
  onclose: () => void = () => {};
  constructor(readonly url: string) {
    Socket.all.push(this);
  }
  send(what: string | Uint8Array) {
    this.sent.push(what);
  }
  close() {
    this.readyState = 3;
    this.onclose();
  }
  open() {
    this.readyState = 1;
    this.onopen();
  }
  hear(word: object) {
    this.onmessage({ data: JSON.stringify(word) });
  }
}
const STATE = { state: { state: "on_air", sounding: 1, of: 2, delay_ms: 400, left_s: 60, frames: 1, holes: 0 } };
const AHEAD_US = 1_700_000_000_000_000;
const answer = (socket: Socket) => {
  const sent = performance.now() * 1_000;
  socket.hear({ clock: { sent_us: sent, received_us: sent + AHEAD_US, answered_us: sent + AHEAD_US } });
};
let told: string[] = [];
let line: Line;
const newest = () => Socket.all.at(-1) as Socket;
const frame = (number: number) => ({ number, capturedUs: performance.now() * 1_000, payload: new Uint8Array([1, 2, 3]) });
const frames = (socket: Socket) => socket.sent.filter((one) => typeof one !== "string");

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", Socket);
  vi.stubGlobal("location", { protocol: "https:", host: "loa.xa.vn" });
  Socket.all = [];
  told = [];
  line = new Line("b1", "opus", {
    onword: (word) => told.push(word.is),
    online: (up) => told.push(up ? "up" : "down"),
    onlost: () => told.push("lost"),
  });
});
afterEach(() => {
  line.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it("greets, compares the clocks, and sends nothing before they agree", () => {
  const socket = newest();
  socket.open();
  vi.advanceTimersByTime(100);
  expect(socket.sent[0]).toBe('{"hello":{"codec":"opus"}}');
  expect(socket.sent.slice(1).every((one) => String(one).startsWith('{"clock"'))).toBe(true);
  line.send(frame(1));
  expect(frames(socket)).toEqual([]);
  answer(socket);
  line.send(frame(2));
  const bytes = frames(socket)[0] as Uint8Array;
  expect(new DataView(bytes.buffer).getUint32(1)).toBe(2);
  expect(Number(new DataView(bytes.buffer).getBigInt64(5))).toBeGreaterThanOrEqual(AHEAD_US);
});

it("lets frames go rather than fall behind", () => {
  newest().open();
  answer(newest());
  newest().bufferedAmount = 6_000;
  line.send(frame(1));
  expect(frames(newest())).toEqual([]);
  expect(line.dropped).toBe(1);
  newest().bufferedAmount = 100;
  line.send(frame(2));
  expect(frames(newest()).length).toBe(1);
});

it("a line that breaks is told at once, tried again, and stands again", () => {
  newest().open();
  newest().hear(STATE);
  newest().close();
  expect(told).toEqual(["up", "state", "down"]);
  vi.advanceTimersByTime(500);
  expect(Socket.all.length).toBe(2);
  newest().open();
  newest().hear(STATE);
  expect(told.slice(3)).toEqual(["up", "state"]);
});

it("a line on which nothing comes any more is told within two seconds, and given up soon after", () => {
  newest().open();
  newest().hear(STATE);
  vi.advanceTimersByTime(2_100);
  expect(told.at(-1)).toBe("down");
  vi.advanceTimersByTime(5_000);
  expect(told.at(-1)).toBe("lost");
  const tried = Socket.all.length;
  vi.advanceTimersByTime(60_000);
  expect(Socket.all.length).toBe(tried);
});

it("after the last word nothing is tried again", () => {
  newest().open();
  newest().hear({ ended: { reason: "stopped" } });
  newest().close();
  vi.advanceTimersByTime(10_000);
  expect(told).toEqual(["up", "ended"]);
  expect(Socket.all.length).toBe(1);
});

it("a phone without an encoder sends plain samples, a frame for every frame", () => {
  const out: { number: number; bytes: number }[] = [];
  const encoder = new PcmEncoder(({ number, payload }) => out.push({ number, bytes: payload.length }));
  const voice = speechLike(0.2, 1);
  for (const number of [0, 1, 2, 7, 8]) encoder.push({ number, atS: number * 0.02, samples: voice.slice(number * 960, (number + 1) * 960) }, 0);
  expect(out).toEqual([0, 1, 2, 7, 8].map((number) => ({ number, bytes: 640 })));
});
