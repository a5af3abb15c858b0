import { describe, expect, it } from "vitest";
import { layOut, nowAt, shades, span, ticks } from "./line";
import { item } from "./sample";

const scale = { date: "2026-11-26", zone: "Asia/Ho_Chi_Minh", width: 1440 };

describe("the line of a day", () => {
  it("three minutes at half past five are three pixels of sound in a box that a finger finds", () => {
    const { placed, lanes } = layOut([item()], scale);
    expect(placed).toHaveLength(1);
    expect(placed[0]).toMatchObject({ left: 330, bar: 3, lane: 0, box: 168 });
    expect(lanes).toBe(1);
  });

  it("two at the same time take two lanes", () => {
    const { placed, lanes } = layOut([item(), item({ bulletin: "b2" })], scale);
    expect(placed.map((p) => p.lane)).toEqual([0, 1]);
    expect(lanes).toBe(2);
  });

  it("a label ends where the next begins", () => {
    const later = item({ bulletin: "b2", planned: "2026-11-25T23:30:00Z", starts: "2026-11-25T23:30:00Z", ends: "2026-11-25T23:31:00Z" });
    const { placed } = layOut([later, item()], scale);
    expect(placed.map((p) => [p.left, p.box, p.lane])).toEqual([
      [330, 58, 0],
      [390, 168, 0],
    ]);
  });

  it("a box at the end of the day stays inside it", () => {
    const last = item({ planned: "2026-11-26T16:58:00Z", starts: "2026-11-26T16:58:00Z", ends: "2026-11-26T16:59:00Z" });
    const { placed } = layOut([last], scale);
    expect((placed[0]?.left ?? 0) + (placed[0]?.box ?? 0)).toBeLessThanOrEqual(1440);
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
