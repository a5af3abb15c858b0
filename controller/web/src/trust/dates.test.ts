import { describe, expect, it } from "vitest";
import { at, ZONE } from "$/lib/testing";
import { dayOf, untilWords } from "./dates";

const NOW = at("2026-11-26T10:00");
const k = (key: string, values?: Record<string, string | number>) => [key, ...Object.values(values ?? {})].join("|");

describe("until when something holds", () => {
  it("is a day with its year, in the office's zone", () => {
    expect(dayOf("2027-02-23T18:30:00Z", ZONE)).toBe("24/2/2027");
  });
  it("counts the days when they are few, and the hour of the last", () => {
    expect(untilWords(k, "2027-01-05T03:00:00Z", NOW, ZONE)).toBe("until.left|5/1/2027|40");
    expect(untilWords(k, "2031-11-26T03:00:00Z", NOW, ZONE)).toBe("26/11/2031");
    expect(untilWords(k, "2026-11-26T10:00:00Z", NOW, ZONE)).toBe("until.today|26/11/2026|17:00");
    expect(untilWords(k, "2026-11-25T10:00:00Z", NOW, ZONE)).toBe("until.over|25/11/2026");
  });
});
