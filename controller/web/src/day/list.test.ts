import { describe, expect, it } from "vitest";
import { list } from "./list";
import type { DayItem, DaysView } from "$/api/types";
import { item } from "./sample";

const days = (...items: DayItem[][]): DaysView => ({
  from: "2026-11-25T17:00:00Z",
  to: "2026-11-26T17:00:00Z",
  zone: "Asia/Ho_Chi_Minh",
  truncated: false,
  speakers: items.map((items, i) => ({
    speaker: `s${i}`,
    name: `Loa ${i + 1}`,
    area: "a",
    presence: "online" as const,
    muted: false,
    quiet_hours: [],
    items,
  })),
});

describe("the list of a day", () => {
  it("one bulletin on three speakers is one row, and says on how many it sounded", () => {
    const missed = item({ starts: null, ends: null, outcome: "missed", reason: "off", error_ms: null });
    const [day] = list(days([item()], [item({ error_ms: -40 })], [missed]));
    expect(day?.date).toBe("2026-11-26");
    expect(day?.times.map((t) => t.time)).toEqual(["05:30"]);
    expect(day?.times[0]?.rows).toMatchObject([
      { sounding: 2, of: 3, worst: "missed", error_ms: -40, past: true, reasons: [{ reason: "off", names: ["Loa 3"] }] },
    ]);
  });

  it("times stand in order, and two bulletins of one minute stand together", () => {
    const evening = item({ bulletin: "b2", planned: "2026-11-26T10:00:00Z", past: false });
    const same = item({ bulletin: "b3", title: "A", planned: "2026-11-25T22:30:20Z" });
    const [day] = list(days([evening, item(), same]));
    expect(day?.times.map((t) => [t.time, t.rows.length])).toEqual([
      ["05:30", 2],
      ["17:00", 1],
    ]);
  });

  it("a row is past only when it is past on every speaker", () => {
    const ahead = item({ past: false });
    expect(list(days([item()], [ahead]))[0]?.times[0]?.rows[0]?.past).toBe(false);
  });
});
