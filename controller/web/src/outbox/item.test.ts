import { describe, expect, it } from "vitest";
import { newDraft, type What } from "../announce/draft";
import { at, ZONE } from "../lib/testing";
import { type Around, asking, failed, type Item, move, outdated, sayNow, sent, tooLate, type Trouble, wakeAt, withAudio } from "./item";

const MADE = at("2026-11-26T10:28");
const MINUTE = 60_000;
const sound: What = { kind: "sound", recording: "r", name: "r.webm", mime: "audio/webm", bytes: 9 };
const item = (given: Partial<Item> = {}): Item => ({
  id: "i",
  user: { id: "an", name: "An" },
  madeMs: MADE,
  draft: newDraft("i", "2026-11-26", []),
  what: sound,
  body: { title: "Họp xóm", targets: ["area.ban-chuong"], when: { now: true } },
  keys: { audio: "ka", bulletin: "kb" },
  audio: null,
  asked: false,
  state: "waiting",
  trouble: null,
  tries: 0,
  nextTryMs: 0,
  bulletin: null,
  sentMs: null,
  ...given,
});
const around = (given: Partial<Around> = {}): Around => ({ nowMs: MADE, zone: ZONE, online: true, user: "an", provedMs: 0, ...given });
const no = (status: number, code = "x"): Trouble => ({ status, code, message: code });
const fail = (it: Item, trouble: Trouble, retry: number | null = null) => failed(it, trouble, retry, MADE, "k2");

it("what is relayed has no sound of its own to send first", () => {
  const relay: What = { kind: "relay", url: "https://vov.vn/live", windowS: 900, fallback: null, byPoles: false, name: "VOV" };
  expect(move(item({ what: relay }), around())).toEqual({ do: "send", step: "bulletin" });
});

describe("an announcement leaves", () => {
  it("first its sound, then itself", () => {
    expect(move(item(), around())).toEqual({ do: "send", step: "audio" });
    expect(move(withAudio(item(), "a1"), around())).toEqual({ do: "send", step: "bulletin" });
    expect(move(sent(item({ audio: "a1" }), "b1", MADE), around())).toEqual({ do: "nothing" });
  });
  it("only with a line, and a session of the person who made it", () => {
    expect(move(item(), around({ online: false }))).toEqual({ do: "wait", for: "line" });
    expect(move(item(), around({ user: null }))).toEqual({ do: "wait", for: "sign_in" });
    expect(move(item(), around({ user: "lan" }))).toEqual({ do: "wait", for: "other_person" });
  });
});

describe("an announcement whose time has passed", () => {
  it("is not sent, with a line or without", () => {
    const late = around({ nowMs: MADE + 16 * MINUTE });
    expect(move(item(), late)).toEqual({ do: "too_late" });
    expect(move(item(), { ...late, online: false })).toEqual({ do: "too_late" });
    const planned = item({ body: { ...item().body, when: { at: "2026-11-26T10:40" } } });
    expect(move(planned, around({ nowMs: MADE + 11 * MINUTE }))).toEqual({ do: "send", step: "audio" });
    expect(move(planned, around({ nowMs: MADE + 13 * MINUTE }))).toEqual({ do: "too_late" });
  });
  it("is looked for first when the answer to a try was lost", () => {
    const asked = asking(withAudio(item(), "a1"));
    const late = { nowMs: MADE + 16 * MINUTE };
    expect(move(asked, around(late))).toEqual({ do: "look" });
    expect(move(asked, around({ ...late, online: false }))).toEqual({ do: "wait", for: "line" });
  });
  it("is said now only when a person wants it, and as another bulletin", () => {
    const again = sayNow(tooLate(asking(withAudio(item(), "a1"))), MADE + 20 * MINUTE, "k2");
    expect(again.keys).toEqual({ audio: "ka", bulletin: "k2" });
    expect(again.asked).toBe(false);
    expect(move(again, around({ nowMs: MADE + 21 * MINUTE }))).toEqual({ do: "send", step: "bulletin" });
  });
  it("is told so by the office too", () => {
    expect(fail(item({ audio: "a1" }), no(422, "time_past")).state).toBe("pointless");
  });
});

describe("a try that failed", () => {
  it("without an answer comes again, later and later, with the same keys", () => {
    let it = item();
    const waits = [];
    for (let i = 0; i < 9; i++) {
      it = fail(it, no(0));
      waits.push((it.nextTryMs - MADE) / 1_000);
      expect(it.state).toBe("waiting");
    }
    expect(waits).toEqual([5, 10, 20, 40, 80, 160, 300, 300, 300]);
    expect(it.keys).toEqual({ audio: "ka", bulletin: "kb" });
    expect(move(it, around())).toEqual({ do: "wait", for: "next_try" });
    expect(move(it, around({ nowMs: MADE + 300_000 }))).toEqual({ do: "send", step: "audio" });
  });
  it("waits as long as the office asks", () => {
    expect(fail(item(), no(503), 60).nextTryMs).toBe(MADE + 60_000);
  });
  it("for want of a session loses nothing and is not punished", () => {
    expect(fail(item(), no(401))).toEqual(item());
  });
  it("for want of proof waits for its person, loses nothing, and leaves as soon as he has shown who he is", () => {
    const asked = fail(asking(withAudio(item(), "a1")), no(403, "proof_needed"));
    expect(asked).toMatchObject({ state: "waiting", tries: 0, audio: "a1", keys: { audio: "ka", bulletin: "kb" } });
    expect(move(asked, around())).toEqual({ do: "wait", for: "proof" });
    // What he had shown before did not do.
    expect(move(asked, around({ provedMs: MADE - 1 }))).toEqual({ do: "wait", for: "proof" });
    expect(move(asked, around({ provedMs: MADE + 1 }))).toEqual({ do: "send", step: "bulletin" });
    // Nobody is asked for it in vain: what has lost its point is not sent.
    expect(move({ ...asked, asked: false }, around({ nowMs: MADE + 16 * MINUTE }))).toEqual({ do: "too_late" });
    // The phone looks now and then, and not every second.
    expect(wakeAt([asked], MADE)).toBe(MADE + MINUTE);
    expect(move(sayNow(asked, MADE, "k2"), around())).toEqual({ do: "send", step: "bulletin" });
  });
  it("by somebody on the way to the office is no refusal", () => {
    expect(fail(item(), no(403, "unexpected"))).toMatchObject({ state: "waiting", nextTryMs: MADE + 5_000 });
    expect(fail(item(), no(413, "unexpected")).state).toBe("refused");
  });
  it("by a refusal is kept with the reason, to be edited", () => {
    const refused = fail(item({ audio: "a1" }), no(403, "forbidden"));
    expect(refused).toMatchObject({ state: "refused", trouble: { code: "forbidden" } });
    expect(move(refused, around())).toEqual({ do: "nothing" });
  });
  it("because the office lost the sound sends the sound again, but not for ever", () => {
    let it = item({ audio: "a1" });
    it = fail(it, no(422, "audio_gone"));
    expect(it).toMatchObject({ audio: null, keys: { audio: "k2" }, state: "waiting" });
    it = fail({ ...it, audio: "a2", tries: 3 }, no(422, "audio_gone"));
    expect(it.state).toBe("refused");
    const kept: What = { kind: "kept", audio: "a1", name: "x" };
    expect(fail(item({ what: kept, audio: "a1" }), no(422, "audio_unknown")).state).toBe("refused");
  });
});

describe("the phone", () => {
  it("wakes for the next try, and every minute for what may become too late", () => {
    expect(wakeAt([], MADE)).toBeNull();
    expect(wakeAt([sent(item(), "b", MADE)], MADE)).toBeNull();
    expect(wakeAt([item({ nextTryMs: MADE + 5_000 })], MADE)).toBe(MADE + 5_000);
    expect(wakeAt([item({ nextTryMs: MADE + 300_000 })], MADE)).toBe(MADE + 60_000);
  });
  it("forgets what was sent, after some days or some twenty others, and nothing else", () => {
    const many = Array.from({ length: 25 }, (_, i) => sent(item({ id: `s${i}` }), "b", MADE - i));
    const old = sent(item({ id: "old" }), "b", MADE - 4 * 86_400_000);
    const gone = outdated([...many, old, item(), tooLate(item())], MADE);
    expect(gone.map((it) => it.id)).toEqual(["s20", "s21", "s22", "s23", "s24", "old"]);
  });
});
