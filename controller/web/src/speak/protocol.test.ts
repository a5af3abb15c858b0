import { describe, expect, it } from "vitest";
import { address, askClock, end, fits, hello, read } from "./protocol";

describe("what the phone says", () => {
  it("is what the office expects", () => {
    expect(JSON.parse(hello("opus"))).toEqual({ hello: { codec: "opus" } });
    expect(JSON.parse(askClock(12.7))).toEqual({ clock: { sent_us: 13 } });
    expect(JSON.parse(end())).toEqual({ end: {} });
    expect(address({ protocol: "https:", host: "loa.xa.vn" }, "b1")).toBe("wss://loa.xa.vn/api/v1/calls/b1/microphone");
    expect(address({ protocol: "http:", host: "localhost:8080" }, "b1")).toBe("ws://localhost:8080/api/v1/calls/b1/microphone");
  });
  it("does not pile up: beyond a second of speech frames are let go", () => {
    expect(fits("opus", 0)).toBe(true);
    expect(fits("opus", 5_000)).toBe(false);
    expect(fits("pcm16", 20_000)).toBe(true);
    expect(fits("pcm16", 40_000)).toBe(false);
  });
});

describe("what the office says", () => {
  it("is understood", () => {
    expect(read('{"clock":{"sent_us":1,"received_us":2,"answered_us":3}}')).toEqual({ is: "clock", sentUs: 1, receivedUs: 2, answeredUs: 3 });
    const state = '{"state":{"state":"on_air","sounding":2,"of":3,"delay_ms":420,"left_s":281.5,"frames":90,"holes":1}}';
    expect(read(state)).toEqual({ is: "state", state: "on_air", sounding: 2, of: 3, delayMs: 420, leftS: 281.5, holes: 1 });
    expect(read('{"ended":{"reason":"stopped"}}')).toEqual({ is: "ended", reason: "stopped" });
  });
  it("and what is new, broken or no object is let go", () => {
    for (const text of ["", "7", "null", "[]", "{", '{"clock":{"sent_us":"1"}}', '{"state":{"state":"dancing"}}', '{"weather":{}}'])
      expect(read(text)).toEqual({ is: "other" });
  });
});
