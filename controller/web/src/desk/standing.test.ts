import { describe, expect, it } from "vitest";
import type { BulletinDetail, PlayoutView } from "$/api/types";
import { hasMore, standing } from "./standing";

const START = Date.parse("2026-11-26T04:43:00Z");
const bulletin = (over: object) =>
  ({ state: "planned", zone: "Asia/Ho_Chi_Minh", when: { now: "2026-11-26T04:43:00Z" }, readiness: { ready: 3, of: 3, speakers: [] }, ...over }) as unknown as BulletinDetail;
const on = (speaker: string, over: object = {}) =>
  ({ speaker, occurrence: "o", attempt: 0, planned: "2026-11-26T04:43:00Z", started: "2026-11-26T04:43:00Z", ended: "2026-11-26T04:43:06Z", outcome: "completed", ...over }) as unknown as PlayoutView;

describe("where a bulletin stands", () => {
  it("what every pole has said whole is said, and there is nothing left to cancel", () => {
    const at = standing(bulletin({}), [on("a"), on("b"), on("c")], START + 60_000);
    expect(at).toEqual({ is: "said", n: 3, of: 3 });
    expect(hasMore(at)).toBe(false);
  });

  it("a call's recording counts on those that had not heard it", () => {
    const live = on("a", { outcome: "skipped", reason: "heard_live" });
    expect(standing(bulletin({}), [live, on("b"), on("c")], START + 60_000)).toEqual({ is: "said", n: 2, of: 2 });
    expect(standing(bulletin({ state: "ended", readiness: { ready: 1, of: 1, speakers: [] } }), [live], START + 60_000)).toEqual({ is: "ended" });
  });

  it("it sounds while one pole sounds", () => {
    const at = standing(bulletin({}), [on("a"), on("b", { ended: null, outcome: null })], START + 3_000);
    expect(at).toEqual({ is: "sounding", n: 1 });
    expect(hasMore(at)).toBe(true);
  });

  it("a pole without a line is waited for, and may still be called off", () => {
    const at = standing(bulletin({}), [on("a"), on("b")], START + 60_000);
    expect(at).toEqual({ is: "waits", n: 1, said: 2 });
    expect(hasMore(at)).toBe(true);
  });

  it("a head waits for the poles of his hamlet only: of the others he is told nothing", () => {
    const speakers = ["a", "b", "c"].map((speaker) => ({ speaker }));
    const b = bulletin({ readiness: { ready: 3, of: 3, speakers } });
    expect(standing(b, [on("a"), on("b")], START + 60_000, new Set(["a", "b"]))).toEqual({ is: "said", n: 2, of: 2 });
  });

  it("when its time is over, a pole that told nothing counts as one that did not say it", () => {
    expect(standing(bulletin({ state: "ended" }), [on("a"), on("b")], START + 3_600_000)).toEqual({ is: "said", n: 2, of: 3 });
    expect(standing(bulletin({ state: "ended" }), [], START + 3_600_000)).toEqual({ is: "untold" });
  });

  it("tomorrow's is planned, and a daily one stays so between its times", () => {
    expect(standing(bulletin({ when: { at: "2026-11-27T05:30" } }), [], START)).toEqual({ is: "planned" });
    const daily = { rrule: "FREQ=DAILY", start: "2026-11-26T05:30" };
    expect(standing(bulletin({ when: daily }), [on("a"), on("b"), on("c")], START + 60_000)).toEqual({ is: "planned" });
  });

  it("what was cancelled is cancelled, whatever was said of it", () => {
    expect(standing(bulletin({ state: "cancelled" }), [on("a")], START)).toEqual({ is: "cancelled" });
  });
});
