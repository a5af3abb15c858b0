import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Calling, type Wish } from "./calling.svelte";

const phone = vi.hoisted(() => ({ onlost: () => {}, awake: true, closed: 0 }));
vi.mock("./microphone", async (original) => ({
  ...(await original<typeof import("./microphone")>()),
  Microphone: {
    open: async ({ onlost }: { onlost: () => void }) => {
      phone.onlost = onlost;
      return { wake: async () => phone.awake, settle: () => {}, capturedUs: () => 0, close: () => (phone.closed += 1) };
    },
  },
}));

class Socket {
  static readonly OPEN = 1;
  static all: Socket[] = [];
  readyState = 0;
  bufferedAmount = 0;
  sent: string[] = [];
  onopen: () => void = () => {};
  onmessage: (event: { data: unknown }) => void = () => {};
  onclose: () => void = () => {};
  constructor() {
    Socket.all.push(this);
  }
  send(what: string) {
    this.sent.push(what);
  }
  close() {
    this.readyState = 3;
    this.onclose();
  }
  stand() {
    this.readyState = 1;
    this.onopen();
    this.hear({ state: { state: "on_air", sounding: 1, of: 2, delay_ms: 400, left_s: 60, frames: 0, holes: 0 } });
  }
  hear(word: object) {
    this.onmessage({ data: JSON.stringify(word) });
  }
}

const VIEW = { id: "b1", of: 2, delay_ms: 400, longest_s: 300, speak_at: "2026-11-26T05:30:00Z", reason: null, poles: [] };
const WISH: Wish = { targets: ["area.ban"], priority: "priority", status: "actual" };
/// What was asked of the office; `POST /calls` is answered by hand.
let asked: string[] = [];
const line: { resolve: (response: Response) => void; reject: (error: Error) => void } = { resolve: () => {}, reject: () => {} };
const answer = (response: Response) => line.resolve(response);
const json = (body: object, status = 200) => new Response(JSON.stringify(body), { status });
/// The calls that it knows of.
let known: object[] = [];
const office = async (url: string, { method }: { method: string }): Promise<Response> => {
  const what = `${method} ${url.replace("/api/v1", "")}`;
  if (what !== "GET /app") asked.push(what);
  if (what === "POST /calls") return await new Promise((resolve, reject) => Object.assign(line, { resolve, reject }));
  return json(what.startsWith("GET /calls?") ? { calls: known, next: null } : VIEW);
};
const settle = (ms = 0) => vi.advanceTimersByTimeAsync(ms);
const newest = () => Socket.all.at(-1) as Socket;

let call: Calling;
beforeEach(async () => {
  vi.useFakeTimers();
  vi.stubGlobal("fetch", office);
  vi.stubGlobal("WebSocket", Socket);
  vi.stubGlobal("location", { protocol: "https:", host: "loa.xa.vn" });
  vi.stubGlobal("navigator", {});
  Object.assign(phone, { awake: true, closed: 0 });
  Socket.all = [];
  asked = [];
  known = [];
  call = new Calling("u1");
  await call.prepare();
});
afterEach(() => {
  call.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});
async function begin() {
  void call.start(WISH);
  await settle();
  answer(json(VIEW, 201));
  await settle();
}
async function stand() {
  await begin();
  newest().stand();
}

describe("a call", () => {
  it("is one, however often the button is touched", async () => {
    void call.start(WISH);
    void call.start(WISH);
    await settle();
    expect(asked).toEqual(["POST /calls"]);
    expect(call.face).toBe("connecting");
  });
  it("that is let go before the office has answered says so at once, and ends when the answer comes", async () => {
    void call.start(WISH);
    await settle();
    call.end();
    expect(call.face).toBe("ending");
    answer(json(VIEW, 201));
    await settle();
    expect(asked).toEqual(["POST /calls", "POST /calls/b1/end"]);
    expect([call.face, call.reason]).toEqual(["ended", "before"]);
    expect(Socket.all).toEqual([]);
  });
  it("that the office refuses leaves the button free, and says why", async () => {
    void call.start(WISH);
    await settle();
    answer(json({ error: { code: "line_busy", message: "Lan đang nói", details: {} } }, 409));
    await settle();
    expect([call.face, call.trouble?.code, call.trouble?.message]).toEqual(["ready", "line_busy", "Lan đang nói"]);
  });
  it("does not begin where the microphone sleeps", async () => {
    phone.awake = false;
    await call.start(WISH);
    expect([call.face, call.trouble?.code, asked]).toEqual(["ready", "asleep", []]);
  });
});

describe("a call whose answer is lost", () => {
  const LOST = { ...VIEW, by: { id: "u1", name: "Lò Văn Páo" }, state: "ringing", began: null, ...WISH };
  async function lose() {
    void call.start(WISH);
    await settle();
    line.reject(new TypeError("Failed to fetch"));
    await settle();
  }
  it("is looked for, and ended where the office has made it: no chime sounds with nobody behind it", async () => {
    known = [{ ...LOST, id: "b0", state: "ended" }, LOST];
    await lose();
    expect(asked).toEqual(["POST /calls", "GET /calls?limit=10", "POST /calls/b1/end"]);
    expect([call.face, call.trouble?.code]).toEqual(["ready", "unreachable"]);
  });
  it("and was never made is not made afterwards, and nobody else's call is ended for it", async () => {
    known = [{ ...LOST, by: { id: "u2", name: "Vi Thị Hoa" } }, { ...LOST, began: VIEW.speak_at }, { ...LOST, targets: ["area.chuong"] }];
    await lose();
    expect(asked).toEqual(["POST /calls", "GET /calls?limit=10"]);
  });
  it("does not disturb the next press, which may be the one that is found", async () => {
    known = [LOST];
    void call.start(WISH);
    await settle();
    line.reject(new TypeError("Failed to fetch"));
    // As soon as it is said that there was no answer.
    while (call.call !== "none") await Promise.resolve();
    void call.start(WISH);
    await settle();
    answer(json(VIEW, 201));
    await settle();
    newest().stand();
    expect(asked).toEqual(["POST /calls", "GET /calls?limit=10", "POST /calls"]);
    expect([call.call, call.trouble]).toEqual(["open", null]);
  });
});

describe("a line that breaks", () => {
  it("before it ever stood is given up after ten seconds", async () => {
    await begin();
    for (let n = 0; n < 30; n++) {
      newest().close();
      await settle(400);
    }
    expect([call.face, call.reason]).toEqual(["ended", "lost"]);
  });
  it("while one talks is told at once, and is on again when it stands again", async () => {
    await stand();
    newest().close();
    expect(call.face).toBe("lost");
    await settle(500);
    newest().stand();
    expect(call.face).not.toBe("lost");
  });
  it("while it ends still ends the call, by the other way", async () => {
    await stand();
    call.end();
    newest().close();
    await settle();
    expect(asked).toEqual(["POST /calls", "POST /calls/b1/end"]);
    expect(call.face).toBe("ended");
  });
});

describe("what ends a call", () => {
  it("is the office's word, with its reason, and no other question follows", async () => {
    await stand();
    newest().hear({ ended: { reason: "stopped" } });
    await settle(60_000);
    expect([call.face, call.reason, asked]).toEqual(["ended", "stopped", ["POST /calls"]]);
  });
  it("is a screen that goes dark: the microphone is closed, and is opened again when it is looked at", async () => {
    await stand();
    call.leave("left");
    await settle(2_000);
    expect([call.face, call.reason, call.mic, phone.closed]).toEqual(["ended", "left", "asking", 1]);
    await call.prepare();
    expect(call.mic).toBe("open");
  });
  it("is a microphone that is taken away, which is said", async () => {
    await stand();
    phone.onlost();
    await settle(2_000);
    expect([call.face, call.reason, call.mic, call.micTrouble]).toEqual(["ended", "microphone", "failed", "failed"]);
  });
  it("is another screen, and nothing runs on behind it", async () => {
    await stand();
    call.close();
    await settle();
    expect(asked).toEqual(["POST /calls", "POST /calls/b1/end"]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
