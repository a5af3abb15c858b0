import { describe, expect, it } from "vitest";
import type { PlayoutView } from "$/api/types";
import { occasions, wallClock } from "./playouts";

const playout = (over: Partial<PlayoutView>): PlayoutView => ({
  speaker: "loa-1",
  bulletin: "b1",
  occurrence: "b1/2026-11-26/0/0",
  attempt: 0,
  revision: 1,
  title: "Họp xóm",
  priority: "ordinary",
  status: "actual",
  planned: "2026-11-25T22:30:00Z",
  started: "2026-11-25T22:30:00.012Z",
  ended: "2026-11-25T22:31:00Z",
  error_ms: 12,
  sounded_s: 60,
  cuts: 0,
  cut_by: null,
  clock: "synced",
  outcome: "completed",
  reason: null,
  heard: null,
  clarity: null,
  due_s: null,
  streamed: null,
  ...over,
});

describe("how it went", () => {
  it("two mornings are two, the later first, and who missed it stands on top", () => {
    const missed = playout({ speaker: "loa-2", started: null, ended: null, error_ms: null, outcome: "missed", reason: "off" });
    const next = playout({ planned: "2026-11-26T22:30:00Z", occurrence: "b1/2026-11-27/0/0" });
    const found = occasions([playout({}), missed, next]);
    expect(found.map((o) => [o.planned, o.sounded, o.of])).toEqual([
      ["2026-11-26T22:30:00Z", 1, 1],
      ["2026-11-25T22:30:00Z", 1, 2],
    ]);
    expect(found[1]?.playouts[0]?.speaker).toBe("loa-2");
  });

  it("an emergency said again after a power cut is one speaker", () => {
    const again = playout({ attempt: 1 });
    const cut = playout({ outcome: "interrupted", reason: "power_cut" });
    expect(occasions([again, cut])[0]).toMatchObject({ sounded: 1, of: 1 });
  });

  it("who heard the call live has no part in its recording", () => {
    const live = playout({ started: null, ended: null, error_ms: null, outcome: "skipped", reason: "heard_live" });
    const found = occasions([live, playout({ speaker: "loa-2" })])[0];
    expect(found).toMatchObject({ sounded: 1, of: 1 });
    expect(found?.playouts.length).toBe(2);
  });

  it("a start is told to the millisecond on the commune's clock", () => {
    expect(wallClock("2026-11-25T22:30:00.012Z", "Asia/Ho_Chi_Minh")).toBe("05:30:00.012");
  });
});
