/// A small line of one quantity: what is drawn, and the same in words. Pure.
import { errorText } from "$/day/verdict";
import { moment } from "$/lib/words";
import { place, type Span } from "./timeline";
import type { Tongue } from "./sentences";
import type { TelemetryPoint } from "./types";

export type Quantity = "temperature" | "load" | "signal" | "disk" | "battery" | "clock" | "data";
export const QUANTITIES: Quantity[] = ["temperature", "load", "signal", "disk", "battery", "clock", "data"];

export interface Sample {
  at: number;
  /// `null`: not known then.
  value: number | null;
}
export type Unit = "c" | "load" | "dbm" | "percent" | "mb" | "ms";

export interface Series {
  quantity: Quantity;
  unit: Unit;
  samples: Sample[];
  min: Sample & { value: number };
  max: Sample & { value: number };
  last: Sample & { value: number };
}

/// `null`: the speaker never measured it.
export function series(quantity: Quantity, points: TelemetryPoint[]): Series | null {
  const [unit, of] = reader(quantity, points);
  const samples = points.map((p) => ({ at: Date.parse(p.at), value: of(p) }));
  const known = samples.filter((s): s is Series["min"] => s.value !== null);
  const [first] = known;
  if (!first) return null;
  let [min, max, last] = [first, first, first];
  for (const one of known) {
    if (one.value < min.value) min = one;
    if (one.value > max.value) max = one;
    if (one.at >= last.at) last = one;
  }
  return { quantity, unit, samples, min, max, last };
}

function reader(quantity: Quantity, points: TelemetryPoint[]): [Unit, (p: TelemetryPoint) => number | null] {
  switch (quantity) {
    case "temperature":
      return ["c", (p) => p.temperature_c];
    case "load":
      return ["load", (p) => p.load];
    case "signal":
      // A modem tells one or the other; percent is what people understand.
      return points.some((p) => p.signal_percent !== null) ? ["percent", (p) => p.signal_percent] : ["dbm", (p) => p.signal_dbm];
    case "disk":
      return ["mb", (p) => p.disk_free_mb];
    case "battery":
      return ["percent", (p) => p.battery_percent];
    case "clock":
      return ["ms", (p) => p.clock_offset_ms];
    case "data":
      return ["mb", (p) => p.data_mb];
  }
}

export interface Domain {
  low: number;
  high: number;
}
/// What the picture's height stands for: round numbers around what was measured, the whole of a percentage, zero where zero means
/// something. `also`: a line that must be seen too.
export function domain(s: Series, also: number | null = null): Domain {
  if (s.unit === "percent") return { low: 0, high: 100 };
  const values = [s.min.value, s.max.value, ...(also === null ? [] : [also])];
  const fromZero = s.quantity === "data" || s.quantity === "load" || s.quantity === "disk";
  const low = Math.min(...values, ...(fromZero || s.unit === "ms" ? [0] : []));
  const high = Math.max(...values, ...(s.unit === "ms" ? [0] : []));
  const step = roundStep(Math.max(high - low, smallest(s.unit)) / 4);
  const bottom = Math.floor(low / step) * step;
  const top = Math.ceil(high / step) * step;
  return { low: bottom, high: top > bottom ? top : bottom + step };
}
/// A wobble smaller than this must not look like a storm.
function smallest(unit: Unit): number {
  return { c: 10, load: 1, dbm: 20, percent: 100, mb: 100, ms: 20 }[unit];
}
function roundStep(raw: number): number {
  const ten = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].map((n) => n * ten).find((n) => n >= raw) ?? raw;
}

export interface Size {
  width: number;
  height: number;
}
export function rise(value: number, { low, high }: Domain, height: number): number {
  return height - ((value - low) / (high - low)) * height;
}

/// The line as SVG path data. It breaks where nothing was known, and where `gapMs` went by without a word: a line drawn through
/// silence would be a lie. Data used breaks where a new month begins to count.
export function path(s: Series, span: Span, over: Domain, size: Size, gapMs: number): string {
  const parts: string[] = [];
  let before: Series["min"] | null = null;
  let alone = false;
  const dot = () => {
    // A single sample between two silences is a point.
    if (alone) parts.push("h0.01");
  };
  for (const one of s.samples) {
    if (one.value === null) {
      before = null;
      continue;
    }
    const sample = { at: one.at, value: one.value };
    const joins = before !== null && one.at - before.at <= gapMs && !(s.quantity === "data" && one.value < before.value);
    const [x, y] = [place(one.at, span, size.width), rise(one.value, over, size.height)];
    if (!joins) dot();
    parts.push(`${joins ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`);
    alone = !joins;
    before = sample;
  }
  dot();
  return parts.join("");
}

/// "52 °C", "0,8", "−97 dBm", "1,2 GB", "+12 ms".
export function valueWords(unit: Unit, value: number, language: string): string {
  // A number and its unit stay on one line.
  const number = (n: number, digits: number) => new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(n).replace("-", "−");
  switch (unit) {
    case "c":
      return `${number(value, 0)}\u00a0°C`;
    case "load":
      return number(value, 1);
    case "dbm":
      return `${number(value, 0)}\u00a0dBm`;
    case "percent":
      return `${number(value, 0)}\u00a0%`;
    case "mb":
      return value >= 1000 ? `${number(value / 1000, 1)}\u00a0GB` : `${number(value, value < 10 ? 1 : 0)}\u00a0MB`;
    case "ms":
      return errorText(value, language);
  }
}

/// Strong, middling or weak, for who does not read dBm.
export function signalWord(unit: Unit, value: number): "good" | "fair" | "weak" {
  if (unit === "dbm") return value >= -85 ? "good" : value >= -100 ? "fair" : "weak";
  return value >= 60 ? "good" : value >= 30 ? "fair" : "weak";
}

/// What a value is measured by.
export interface Context {
  processors: number | null;
  plan_mb: number | null;
  disk_total_mb: number | null;
}

/// How it stands now.
export function nowWords(tongue: Tongue, s: Series, context: Context): string {
  const value = valueWords(s.unit, s.last.value, tongue.language);
  const share = (of: number) => Math.round((s.last.value / of) * 100);
  if (s.quantity === "signal") return tongue.w("plot.signal.now", { value, word: tongue.w(`plot.signal.${signalWord(s.unit, s.last.value)}`) });
  if (s.quantity === "load" && context.processors) return tongue.w("plot.load.now", { value, n: context.processors });
  if (s.quantity === "disk" && context.disk_total_mb) {
    return tongue.w("plot.disk.now", { value, total: valueWords("mb", context.disk_total_mb, tongue.language), percent: share(context.disk_total_mb) });
  }
  if (s.quantity === "data" && context.plan_mb) {
    return tongue.w("plot.data.now", { value, plan: valueWords("mb", context.plan_mb, tongue.language), percent: share(context.plan_mb) });
  }
  return value;
}

/// "Thấp nhất 41 °C lúc 04:10 sáng nay, cao nhất 63 °C lúc 13:05 chiều qua."
export function rangeWords(tongue: Tongue, s: Series): string {
  if (s.quantity === "data") return "";
  const when = (at: number) => moment(tongue.t, at, tongue.now, tongue.zone);
  if (s.min.value === s.max.value) return tongue.w("plot.same");
  return tongue.w("plot.range", {
    min: valueWords(s.unit, s.min.value, tongue.language),
    min_at: when(s.min.at),
    max: valueWords(s.unit, s.max.value, tongue.language),
    max_at: when(s.max.at),
  });
}
