import { describe, expect, it } from "vitest";
import { join, layOut, nowAt, shades, span, ticks } from "./line";
import { item } from "./sample";

const scale = { date: "2026-11-26", zone: "Asia/Ho_Chi_Minh", width: 1440 };

const lay = (items: ReturnType<typeof item>[]) => layOut(items, scale, () => 100);

describe("the line of a day", () => {
  it("three minutes at half past five are as wide as three minutes, with the label beside them", () => {
    const { placed, lanes } = lay([item()]);
    expect(placed).toHaveLength(1);
    expect(placed[0]).toMatchObject({ left: 330, bar: 4, label: 100, box: 104, lane: 0, before: false });
    expect(lanes).toBe(1);
  });

  it("an hour is an hour", () => {
    expect(lay([item({ ends: "2026-11-25T23:30:00Z" })]).placed[0]).toMatchObject({ left: 330, bar: 60, label: 100 });
  });

  it("two at the same time take two lanes", () => {
    const { placed, lanes } = lay([item(), item({ bulletin: "b2" })]);
    expect(placed.map((p) => p.lane)).toEqual([0, 1]);
    expect(lanes).toBe(2);
  });

  it("a label without room takes another lane, and one with little is cut", () => {
    const at = (minute: number) => ({ bulletin: `b${minute}`, planned: `2026-11-25T23:${minute}:00Z`, starts: `2026-11-25T23:${minute}:00Z`, ends: `2026-11-25T23:${minute}:30Z` });
    expect(lay([item(), item(at(10))]).placed.map((p) => [p.left, p.lane, p.label])).toEqual([
      [330, 0, 100],
      [370, 1, 100],
    ]);
    const wide = layOut([item(), item({ ...at(59), planned: "2026-11-26T00:10:00Z", starts: "2026-11-26T00:10:00Z", ends: "2026-11-26T00:11:00Z" })], scale, () => 150);
    expect(wide.placed.map((p) => [p.left, p.lane, p.label])).toEqual([
      [330, 0, 92],
      [430, 0, 150],
    ]);
  });

  it("one that is said ten times in a row is one bar, until something else becomes of it", () => {
    const at = (i: number) => new Date(Date.parse("2026-11-25T22:30:00Z") + i * 60_000).toISOString();
    const row = Array.from({ length: 10 }, (_, i) => item({ planned: at(i), starts: at(i), ends: at(i + 0.5), ...(i === 9 && { outcome: "interrupted" }) }));
    expect(join(row).map((one) => [one.times, one.starts, one.ends])).toEqual([
      [9, at(0), at(8.5)],
      [1, at(9), at(9.5)],
    ]);
    const days = [item(), item({ planned: "2026-11-26T10:00:00Z", starts: "2026-11-26T10:00:00Z" })];
    expect(join(days)).toHaveLength(2);
  });

  it("no two on a lane cover each other, however many there are, and the lanes end", () => {
    const many = Array.from({ length: 60 }, (_, i) => {
      const start = new Date(Date.parse("2026-11-25T22:30:00Z") + i * 7 * 60_000).toISOString();
      return item({ bulletin: `b${i}`, planned: start, starts: start, ends: new Date(Date.parse(start) + 60_000).toISOString() });
    });
    const { placed, lanes } = lay(many);
    expect(lanes).toBeLessThanOrEqual(8);
    for (const one of placed)
      for (const other of placed)
        if (one !== other && one.lane === other.lane && one.left <= other.left) expect(one.left + one.box).toBeLessThanOrEqual(other.left);
  });

  it("at the end of the day the label stands before the bar, and all stays inside", () => {
    const last = item({ planned: "2026-11-26T16:58:00Z", starts: "2026-11-26T16:58:00Z", ends: "2026-11-26T16:59:00Z" });
    const one = lay([last]).placed[0];
    expect(one).toMatchObject({ before: true, bar: 4 });
    expect((one?.left ?? 0) + (one?.box ?? 0)).toBeLessThanOrEqual(1440);
  });

  it("what sounds over midnight is on both days", () => {
    const over = item({ planned: "2026-11-26T16:55:00Z", starts: "2026-11-26T16:55:00Z", ends: "2026-11-26T17:05:00Z" });
    expect(span(over, "2026-11-26", scale.zone)).toEqual({ from: 1435, to: 1440 });
    expect(span(over, "2026-11-27", scale.zone)).toEqual({ from: 0, to: 5 });
    expect(span(over, "2026-11-28", scale.zone)).toBeNull();
  });

  it("what was skipped lies where it was planned", () => {
    const skipped = item({ starts: null, ends: null, outcome: "skipped", reason: "quiet_hours" });
    expect(span(skipped, "2026-11-26", scale.zone)).toEqual({ from: 330, to: 330 });
  });

  it("quiet hours shade both ends, and now is marked on its own day only", () => {
    expect(shades({ quiet_hours: [{ from: "22:00", to: "05:00" }] }, 1440)).toEqual([
      { left: 0, width: 300 },
      { left: 1320, width: 120 },
    ]);
    expect(nowAt(Date.parse("2026-11-25T23:00:00Z"), scale)).toBe(360);
    expect(nowAt(Date.parse("2026-11-26T18:00:00Z"), scale)).toBeNull();
    expect(ticks(360)).toEqual([0, 6, 12, 18, 24]);
  });
});
