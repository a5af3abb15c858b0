import { describe, expect, it } from "vitest";
import { at, ZONE } from "$/lib/testing";
import { facts, iso, no, tongue } from "./sample";
import { goneWords } from "./sentences";
import { firstSeen, gone, heaps, place, spanOf, stretches, ticks } from "./timeline";
import type { Cause, OutageView, RunView } from "./types";

const span = { from: at("2026-11-25T14:00"), to: at("2026-11-26T14:00") };
const outage = (began: string, ended: string | null, cause: Cause = "network"): OutageView => ({ began: iso(began), ended: ended && iso(ended), cause, told: true });
const LONG_AGO = at("2026-01-01T00:00");
const kinds = (all: ReturnType<typeof stretches>) => all.map((one) => one.kind);

describe("a speaker's day", () => {
  it("without an outage is one stretch of presence", () => {
    expect(stretches([], span, LONG_AGO)).toEqual([{ ...span, kind: "there", cause: null, told: false, open: false }]);
  });
  it("has no holes: what is not an outage is presence", () => {
    const all = stretches([outage("2026-11-26T08:00", "2026-11-26T08:34"), outage("2026-11-25T20:00", "2026-11-25T21:00", "power")], span, LONG_AGO);
    expect(kinds(all)).toEqual(["there", "gone", "there", "gone", "there"]);
    expect(all.map((one) => one.cause)).toEqual([null, "power", null, "network", null]);
    for (const [i, one] of all.entries()) expect(one.from).toBe(i === 0 ? span.from : all[i - 1]?.to);
    expect(all.at(-1)?.to).toBe(span.to);
  });
  it("that began in an outage and ends in one shows both cut at its edges", () => {
    const all = stretches([outage("2026-11-24T00:00", "2026-11-25T15:00"), outage("2026-11-26T13:00", null)], span, LONG_AGO);
    expect(kinds(all)).toEqual(["gone", "there", "gone"]);
    expect(all[0]?.from).toBe(span.from);
    expect(all[2]).toMatchObject({ to: span.to, open: true });
  });
  it("counts what the office itself missed as not measured, not as the pole's outage", () => {
    const all = stretches([outage("2026-11-26T02:00", "2026-11-26T04:00", "office")], span, LONG_AGO);
    expect(kinds(all)).toEqual(["there", "unmeasured", "there"]);
    expect(gone(all)).toEqual({ times: 0, seconds: 0, longest_s: 0, measured_s: 22 * 3600 });
  });
  it("before it was put up is neither presence nor absence", () => {
    expect(kinds(stretches([], span, at("2026-11-26T10:00")))).toEqual(["before", "there"]);
    expect(kinds(stretches([outage("2026-11-26T08:00", null)], span, null))).toEqual(["before"]);
  });
  it("takes outages that overlap once", () => {
    const all = stretches([outage("2026-11-26T08:00", "2026-11-26T10:00"), outage("2026-11-26T09:00", "2026-11-26T11:00")], span, LONG_AGO);
    expect(gone(all)).toMatchObject({ times: 2, seconds: 3 * 3600 });
  });
  it("is told in words: how often, how long, and the longest", () => {
    const all = stretches([outage("2026-11-26T08:00", "2026-11-26T08:42"), outage("2026-11-26T10:00", "2026-11-26T10:21")], span, LONG_AGO);
    expect(goneWords(tongue, gone(all))).toBe("mất kết nối 2 lần, tổng cộng 1 giờ 3 phút, lâu nhất 42 phút.");
    expect(goneWords(tongue, gone(stretches([], span, LONG_AGO)))).toBe("không mất kết nối lần nào.");
  });
});

describe("a speaker that was put up days after it was added", () => {
  const run = (at: string, ended: RunView["ended"]) => ({ at: iso(at), boot: 1, ended, alive: null });
  const made = at("2026-11-20T10:00");
  it("was not there in between", () => {
    const watch = { facts: facts(), outages: [], runs: [run("2026-11-26T02:00", "power_cut"), run("2026-11-25T20:00", "first")] };
    expect(firstSeen(watch, made)).toBe(at("2026-11-25T20:00"));
  });
  it("and got a new memory card was there before", () => {
    const watch = { facts: facts(), outages: [outage("2026-11-25T18:00", "2026-11-25T20:00")], runs: [run("2026-11-25T20:00", "first")] };
    expect(firstSeen(watch, made)).toBe(made);
  });
  it("and never reported was never there", () => {
    expect(firstSeen({ facts: facts({ connected: no("never_seen") }), outages: [], runs: [] }, made)).toBeNull();
    expect(firstSeen({ facts: facts(), outages: [], runs: [] }, made)).toBe(made);
  });
});

describe("the axis", () => {
  it("of a day has the village's own hours", () => {
    expect(ticks("day", span, ZONE).map((tick) => tick.clock)).toEqual(["18:00", "00:00", "06:00", "12:00"]);
  });
  it("of a week has its midnights, of a month every fifth day", () => {
    expect(ticks("week", spanOf("week", span.to), ZONE).map((tick) => tick.date)).toEqual(["2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23", "2026-11-24", "2026-11-25", "2026-11-26"]);
    expect(ticks("month", spanOf("month", span.to), ZONE).map((tick) => tick.date)).toEqual(["2026-11-01", "2026-11-06", "2026-11-11", "2026-11-16", "2026-11-21", "2026-11-26"]);
  });
});

describe("signs on the axis", () => {
  it("stand where their time is", () => {
    expect(place(at("2026-11-26T02:00"), span, 400)).toBe(200);
  });
  it("that would cover each other are one with a number", () => {
    const times = ["2026-11-26T02:00", "2026-11-26T02:10", "2026-11-26T12:00", "2026-11-20T12:00"];
    const all = heaps(times, (time) => at(time), span, 400, 14);
    expect(all.map((heap) => heap.things.length)).toEqual([2, 1]);
  });
});
