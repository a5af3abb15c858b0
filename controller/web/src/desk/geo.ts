/// The map's geometry: where areas lie by their poles, which poles a lasso holds, and what grid to draw.

export interface Point {
  lat: number;
  lon: number;
}
export interface XY {
  x: number;
  y: number;
}

/// Beyond this Web Mercator ends.
const MAX_LAT = 85.051129;

/// The middle of some poles; hamlets are small enough for a plain mean.
export function centroid(points: Point[]): Point | null {
  if (points.length === 0) return null;
  const sum = points.reduce((a, p) => ({ lat: a.lat + p.lat, lon: a.lon + p.lon }), { lat: 0, lon: 0 });
  return { lat: sum.lat / points.length, lon: sum.lon / points.length };
}

/// South-west and north-east corner, with some air around.
export function bounds(points: Point[], air = 0.1): [Point, Point] | null {
  if (points.length === 0) return null;
  const lats = points.map((p) => p.lat);
  const lons = points.map((p) => p.lon);
  const [s, n, w, e] = [Math.min(...lats), Math.max(...lats), Math.min(...lons), Math.max(...lons)];
  // One pole alone is shown with about half a kilometre around.
  const pad = (size: number) => Math.max(size * air, 0.005);
  return [
    { lat: Math.max(-MAX_LAT, s - pad(n - s)), lon: w - pad(e - w) },
    { lat: Math.min(MAX_LAT, n + pad(n - s)), lon: e + pad(e - w) },
  ];
}

/// Is the point inside the ring that a finger drew? Even-odd, the ring closes itself.
export function inside(point: XY, ring: XY[]): boolean {
  let within = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [a, b] = [ring[i], ring[j]];
    if (!a || !b) continue;
    const crosses = a.y > point.y !== b.y > point.y;
    if (crosses && point.x < ((b.x - a.x) * (point.y - a.y)) / (b.y - a.y) + a.x) within = !within;
  }
  return within;
}

/// Poles that would cover each other on the screen, gathered; each cluster stands at the first of it.
export function clusters<T extends XY>(points: T[], radius: number): T[][] {
  const found: T[][] = [];
  for (const point of points) {
    const near = found.find(([first]) => first && Math.hypot(first.x - point.x, first.y - point.y) <= radius);
    if (near) near.push(point);
    else found.push([point]);
  }
  return found;
}

/// Degrees between lines of the grid, so that about `lines` cross what is seen.
export function gridStep(degrees: number, lines = 5): number {
  const steps = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 45];
  return steps.find((step) => degrees / step <= lines) ?? 45;
}

/// The grid's degrees between two ends.
export function gridLines(from: number, to: number, step: number): number[] {
  const first = Math.ceil(from / step);
  const count = Math.max(0, Math.min(60, Math.floor(to / step) - first + 1));
  return Array.from({ length: count }, (_, i) => Number(((first + i) * step).toFixed(6)));
}
