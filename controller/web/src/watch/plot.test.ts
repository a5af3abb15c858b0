import { describe, expect, it } from "vitest";
import { at } from "$/lib/testing";
import { domain, nowWords, path, type Quantity, rangeWords, series, type Series, signalWord, valueWords } from "./plot";
import { iso, tongue } from "./sample";
import type { TelemetryPoint } from "./types";

const NOTHING = { temperature_c: null, load: null, memory_free_mb: null, disk_free_mb: null, signal_dbm: null, signal_percent: null, clock_offset_ms: null, battery_percent: null, data_mb: null };
const point = (time: string, over: Partial<TelemetryPoint>): TelemetryPoint => ({ ...NOTHING, at: iso(`2026-11-26T${time}`), ...over });
const made = (quantity: Quantity, points: TelemetryPoint[]): Series => {
  const found = series(quantity, points);
  if (!found) throw new Error("nothing was measured");
  return found;
};
/// Numbers keep their units on their line; here that is a space as any other.
const plain = (text: string) => text.replaceAll("\u00a0", " ");
const span = { from: at("2026-11-26T10:00"), to: at("2026-11-26T14:00") };
const warm = made("temperature", [point("10:00", { temperature_c: 41.2 }), point("12:00", { temperature_c: 63.4 }), point("14:00", { temperature_c: 52 })]);
const NO_CONTEXT = { processors: null, plan_mb: null, disk_total_mb: null };

describe("what a machine measures", () => {
  it("is a line with a lowest, a highest and a last value", () => {
    expect([warm.min.value, warm.max.value, warm.last.value]).toEqual([41.2, 63.4, 52]);
    expect(plain(rangeWords(tongue, warm))).toBe("Thấp nhất 41 °C (10:00 sáng nay), cao nhất 63 °C (12:00 trưa nay).");
  });
  it("and never did is not drawn", () => {
    expect(series("battery", [point("10:00", { load: 1 })])).toBeNull();
    expect(series("battery", [])).toBeNull();
  });
  it("of a modem that tells percent is percent, else dBm", () => {
    expect(made("signal", [point("10:00", { signal_dbm: -97 })]).unit).toBe("dbm");
    expect(made("signal", [point("10:00", { signal_dbm: -97, signal_percent: 40 })]).unit).toBe("percent");
  });
});

describe("the line", () => {
  const size = { width: 400, height: 100 };
  const over = { low: 0, high: 100 };
  const load = (...values: [string, number | null][]) => made("load", values.map(([time, value]) => point(time, { load: value })));
  it("goes from value to value", () => {
    expect(path(load(["10:00", 0], ["12:00", 50], ["14:00", 100]), span, over, size, 3 * 3_600_000)).toBe("M0.0 100.0L200.0 50.0L400.0 0.0");
  });
  it("breaks where nothing was known", () => {
    expect(path(load(["10:00", 0], ["11:00", 0], ["12:00", null], ["13:00", 100], ["14:00", 100]), span, over, size, 3 * 3_600_000)).toBe("M0.0 100.0L100.0 100.0M300.0 0.0L400.0 0.0");
  });
  it("breaks over a silence, and what stands alone is a point", () => {
    expect(path(load(["10:00", 0], ["14:00", 100]), span, over, size, 600_000)).toBe("M0.0 100.0h0.01M400.0 0.0h0.01");
  });
  it("of the data used begins anew with the month", () => {
    const data = made("data", [point("10:00", { data_mb: 100 }), point("12:00", { data_mb: 0 }), point("14:00", { data_mb: 10 })]);
    expect(path(data, span, over, size, 3 * 3_600_000)).toBe("M0.0 0.0h0.01M200.0 100.0L400.0 90.0");
  });
});

describe("the height of the picture", () => {
  it("is round, and holds everything that was measured", () => {
    expect(domain(warm)).toEqual({ low: 40, high: 70 });
  });
  it("of a percentage is the whole", () => {
    expect(domain(made("battery", [point("10:00", { battery_percent: 88 })]))).toEqual({ low: 0, high: 100 });
  });
  it("does not make a storm of a wobble", () => {
    const still = domain(made("temperature", [point("10:00", { temperature_c: 50 }), point("11:00", { temperature_c: 50.4 })]));
    expect(still.high - still.low).toBeGreaterThanOrEqual(5);
  });
  it("holds the plan too, and begins at nothing", () => {
    expect(domain(made("data", [point("10:00", { data_mb: 1500 })]), 4000)).toEqual({ low: 0, high: 4000 });
  });
});

describe("a value in words", () => {
  it("has its unit, in the language's own digits", () => {
    expect(plain(valueWords("c", 52.4, "vi"))).toBe("52 °C");
    expect(plain(valueWords("load", 0.84, "vi"))).toBe("0,8");
    expect(plain(valueWords("dbm", -97, "vi"))).toBe("−97 dBm");
    expect(plain(valueWords("mb", 1234, "vi"))).toBe("1,2 GB");
    expect(plain(valueWords("mb", 1234, "en"))).toBe("1.2 GB");
    expect(plain(valueWords("ms", -3, "vi"))).toBe("−3 ms");
  });
  it("of the signal says whether that is much", () => {
    expect([-70, -92, -110].map((dbm) => signalWord("dbm", dbm))).toEqual(["good", "fair", "weak"]);
    expect(plain(nowWords(tongue, made("signal", [point("10:00", { signal_dbm: -110 })]), NO_CONTEXT))).toBe("−110 dBm, sóng yếu");
  });
  it("of the data used is told against its plan", () => {
    const data = made("data", [point("10:00", { data_mb: 812 })]);
    expect(plain(nowWords(tongue, data, { ...NO_CONTEXT, plan_mb: 2000 }))).toBe("812 MB trên 2 GB của gói (41 %)");
    expect(plain(nowWords(tongue, data, NO_CONTEXT))).toBe("812 MB");
  });
});
