import { expect, it } from "vitest";
import type { BulletinDetail, PlayoutView } from "../api/types";
import { progress } from "./progress";

const bulletin = { readiness: { ready: 2, of: 3, speakers: [] } } as unknown as BulletinDetail;
const playout = (given: Partial<PlayoutView>) =>
  ({ speaker: "a", occurrence: "b/1", attempt: 0, planned: "2026-11-26T05:30:00+07:00", started: "2026-11-26T05:30:00+07:00", ended: null, outcome: null, reason: null, heard: null, ...given }) as PlayoutView;
const over = "2026-11-26T05:31:00+07:00";

it("nothing sounded yet: so many are ready", () => {
  expect(progress(bulletin, [])).toEqual({ ready: 2, of: 3, sounding: 0, said: 0, live: 0, heard: 0, unheard: 0, not: [] });
});

it("each speaker counts once, by its own account", () => {
  const all = [
    playout({ speaker: "a" }),
    playout({ speaker: "b", ended: over, outcome: "completed", heard: "heard" }),
    playout({ speaker: "c", ended: over, outcome: "missed", reason: "off" }),
  ];
  expect(progress(bulletin, all)).toMatchObject({
    sounding: 1,
    said: 1,
    heard: 1,
    not: [{ speaker: "c", outcome: "missed", reason: "off" }],
  });
});

it("yesterday's occurrence is not today's, and a second attempt replaces the first", () => {
  const old = playout({ planned: "2026-11-25T05:30:00+07:00", occurrence: "b/0", ended: over, outcome: "missed" });
  expect(progress(bulletin, [old, playout({})])).toMatchObject({ sounding: 1, not: [] });
  const cut = playout({ ended: over, outcome: "interrupted", reason: "power_cut" });
  const again = playout({ attempt: 1, ended: over, outcome: "completed" });
  expect(progress(bulletin, [cut, again])).toMatchObject({ said: 1, not: [] });
});

it("what played without a sound is told apart, and what nobody reported is not taken for silence", () => {
  const all = [
    playout({ speaker: "a", ended: over, outcome: "completed", heard: "not_heard" }),
    playout({ speaker: "b", ended: over, outcome: "completed", heard: "no_microphone" }),
    playout({ speaker: "c", started: null, outcome: "unreported" }),
  ];
  expect(progress(bulletin, all)).toMatchObject({ said: 2, heard: 0, unheard: 1, not: [] });
});
