import { describe, expect, it } from "vitest";
import { bars, HEIGHT, WIDTH } from "./bars";

describe("a bar a day", () => {
  it("stands side by side over the whole width", () => {
    const all = bars(Array.from({ length: 31 }, () => ({ of: 1, good: 1 })));
    expect(all).toHaveLength(31);
    expect(all.every((bar) => bar.height === HEIGHT && !bar.low)).toBe(true);
    expect((all[30]?.x ?? 0) + (all[30]?.width ?? 0)).toBeLessThan(WIDTH);
  });
  it("is not there on a day on which nothing was due", () => {
    expect(bars([{ of: 0, good: 0 }])[0]).toMatchObject({ height: null, low: false });
  });
  it("is seen when it is not quite nothing, and is nothing when it is nothing", () => {
    const [some, none] = bars([
      { of: 1000, good: 1 },
      { of: 1000, good: 0 },
    ]);
    expect(some?.height).toBeGreaterThan(1);
    expect(none).toMatchObject({ height: 0, low: true });
  });
});
