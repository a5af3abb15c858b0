import { describe, expect, it } from "vitest";
import { bounds, centroid, clusters, gridLines, gridStep, inside } from "./geo";

describe("the map", () => {
  it("a hamlet lies in the middle of its poles", () => {
    expect(centroid([{ lat: 21, lon: 106 }, { lat: 22, lon: 108 }])).toEqual({ lat: 21.5, lon: 107 });
    expect(centroid([])).toBeNull();
  });

  it("one pole alone is shown with land around it", () => {
    const [sw, ne] = bounds([{ lat: 21.8, lon: 106.1 }]) ?? [];
    expect((ne?.lat ?? 0) - (sw?.lat ?? 0)).toBeCloseTo(0.01);
  });

  it("a lasso holds what is inside, also in a bay", () => {
    const bay = [{ x: 0, y: 0 }, { x: 10, y: 0 }, { x: 10, y: 10 }, { x: 5, y: 4 }, { x: 0, y: 10 }];
    expect(inside({ x: 2, y: 2 }, bay)).toBe(true);
    expect(inside({ x: 5, y: 8 }, bay)).toBe(false);
    expect(inside({ x: 1, y: 1 }, [])).toBe(false);
  });

  it("poles that would cover each other are gathered", () => {
    const all = [{ x: 0, y: 0 }, { x: 3, y: 4 }, { x: 50, y: 50 }];
    expect(clusters(all, 10).map((c) => c.length)).toEqual([2, 1]);
  });

  it("the grid has a handful of lines", () => {
    const step = gridStep(0.043);
    expect(step).toBe(0.01);
    expect(gridLines(21.771, 21.814, step)).toEqual([21.78, 21.79, 21.8, 21.81]);
  });
});
