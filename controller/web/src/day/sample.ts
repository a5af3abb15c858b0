/// One playout to vary in tests: three minutes at half past five that went as planned.
import type { DayItem } from "$/api/types";

export const item = (over: Partial<DayItem> = {}): DayItem => ({
  occurrence: "b1/2026-11-26/0/0",
  bulletin: "b1",
  title: "Họp xóm",
  priority: "ordinary",
  status: "actual",
  planned: "2026-11-25T22:30:00Z",
  starts: "2026-11-25T22:30:00Z",
  ends: "2026-11-25T22:33:00Z",
  outcome: "completed",
  reason: null,
  past: true,
  error_ms: 12,
  sounded_s: 180,
  ...over,
});
