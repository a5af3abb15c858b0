import { describe, expect, it } from "vitest";
import { clashes, silenced } from "./clashes";
import type { DayItem, DaysSpeaker } from "$/api/types";
import { item } from "./sample";

const ahead = (over: Partial<DayItem>) => item({ past: false, error_ms: null, sounded_s: null, ...over });
const speaker = (name: string, items: DayItem[]): DaysSpeaker => ({
  speaker: name,
  name,
  area: "ban-chuong",
  presence: "online",
  muted: false,
  quiet_hours: [],
  items,
});
const first = ahead({ bulletin: "b1", title: "Thời sự" });
const second = ahead({
  bulletin: "b2",
  title: "Họp xóm",
  planned: "2026-11-25T22:31:00Z",
  starts: "2026-11-25T22:33:00Z",
  ends: "2026-11-25T22:35:00Z",
});

describe("conflicts", () => {
  it("the second of two waits two minutes, on both speakers, and is told once", () => {
    const found = clashes([speaker("Loa 1", [first, second]), speaker("Loa 2", [first, second])]);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ kind: "waits", wait_s: 120, by: { title: "Thời sự" }, speakers: ["Loa 1", "Loa 2"] });
  });

  it("an emergency in the middle cuts", () => {
    const alarm = ahead({ bulletin: "b3", title: "Lũ", planned: "2026-11-25T22:31:00Z", starts: "2026-11-25T22:31:00Z", ends: "2026-11-25T22:32:00Z" });
    const cut = ahead({ bulletin: "b1", title: "Thời sự", ends: "2026-11-25T22:34:00Z" });
    expect(clashes([speaker("Loa 1", [cut, alarm])])).toMatchObject([{ kind: "cut", title: "Thời sự", by: { title: "Lũ" } }]);
  });

  it("what found the speaker busy too long is not said", () => {
    const busy = ahead({ ...second, starts: null, ends: null, outcome: "skipped", reason: "busy" });
    expect(clashes([speaker("Loa 1", [first, busy])])).toMatchObject([{ kind: "not_said", by: { title: "Thời sự" } }]);
  });

  it("what is over is no conflict any more", () => {
    expect(clashes([speaker("Loa 1", [item(), { ...second, past: true }])])).toEqual([]);
  });

  it("quiet hours are told once for all speakers they silence", () => {
    const quiet = ahead({ starts: null, ends: null, outcome: "skipped", reason: "quiet_hours" });
    expect(silenced([speaker("Loa 1", [quiet]), speaker("Loa 2", [quiet]), speaker("Loa 3", [])])).toMatchObject([
      { title: "Họp xóm", speakers: ["Loa 1", "Loa 2"] },
    ]);
  });
});
