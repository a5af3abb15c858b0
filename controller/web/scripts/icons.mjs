/// Makes the app's icons: the SVG by hand, the PNGs from the same shapes, without any library. `npm run icons`
import { mkdirSync, writeFileSync } from "node:fs";
import { deflateSync } from "node:zlib";

const OUT = new URL("../public/icons/", import.meta.url);
const GREEN = [11, 83, 69];
const WHITE = [255, 255, 255];

/// In a square of 64: a horn that opens to the right, its pole, and two waves.
const HORN = [
  [14, 26],
  [24, 26],
  [38, 15],
  [38, 45],
  [24, 34],
  [14, 34],
];
const POLE = [
  [20, 34],
  [25, 34],
  [25, 54],
  [20, 54],
];
const WAVES = [
  { x: 38, y: 30, r: 9, w: 3.6 },
  { x: 38, y: 30, r: 16, w: 3.6 },
];
const SPREAD = 0.62;

const inside = (poly, x, y) => {
  let hit = false;
  for (let i = 0, j = poly.length - 1; i < poly.length; j = i++) {
    const [[xi, yi], [xj, yj]] = [poly[i], poly[j]];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) hit = !hit;
  }
  return hit;
};
const onWave = ({ x: cx, y: cy, r, w }, x, y) => {
  const [dx, dy] = [x - cx, y - cy];
  return Math.abs(Math.hypot(dx, dy) - r) <= w / 2 && Math.abs(Math.atan2(dy, dx)) <= SPREAD * 1.35;
};
const rounded = (x, y, r) => {
  const [dx, dy] = [Math.max(r - x, x - (64 - r), 0), Math.max(r - y, y - (64 - r), 0)];
  return Math.hypot(dx, dy) <= r;
};

/// `shrink`: how much smaller the drawing is in its square; a maskable icon may lose its rim.
function color(x, y, radius, shrink) {
  if (!rounded(x, y, radius)) return null;
  const [u, v] = [(x - 32) / shrink + 32, (y - 32) / shrink + 32 + 1];
  const white = inside(HORN, u, v) || inside(POLE, u, v) || WAVES.some((wave) => onWave(wave, u, v));
  return white ? WHITE : GREEN;
}

function crc(bytes) {
  let c = ~0;
  for (const byte of bytes) {
    c ^= byte;
    for (let k = 0; k < 8; k++) c = (c >>> 1) ^ (c & 1 ? 0xedb88320 : 0);
  }
  return ~c >>> 0;
}
function chunk(kind, data) {
  const body = Buffer.concat([Buffer.from(kind), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc(body));
  return Buffer.concat([length, body, sum]);
}

function png(size, radius, shrink) {
  const FINE = 4;
  const rows = [];
  for (let py = 0; py < size; py++) {
    const row = Buffer.alloc(1 + size * 4);
    for (let px = 0; px < size; px++) {
      const sum = [0, 0, 0, 0];
      for (let s = 0; s < FINE * FINE; s++) {
        const x = ((px + ((s % FINE) + 0.5) / FINE) * 64) / size;
        const y = ((py + (Math.floor(s / FINE) + 0.5) / FINE) * 64) / size;
        const c = color(x, y, radius, shrink);
        if (c) for (let i = 0; i < 4; i++) sum[i] += i < 3 ? c[i] : 1;
      }
      const n = sum[3] || 1;
      row.set([sum[0] / n, sum[1] / n, sum[2] / n, (sum[3] * 255) / FINE ** 2], 1 + px * 4);
    }
    rows.push(row);
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(size, 0);
  head.writeUInt32BE(size, 4);
  head.set([8, 6, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", head),
    chunk("IDAT", deflateSync(Buffer.concat(rows), { level: 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

const path = (poly) => `M${poly.map((p) => p.join(" ")).join("L")}Z`;
const arc = ({ x, y, r }) => {
  const a = SPREAD * 1.35;
  const at = (sign) => `${(x + r * Math.cos(a)).toFixed(2)} ${(y + sign * r * Math.sin(a)).toFixed(2)}`;
  return `M${at(-1)}A${r} ${r} 0 0 1 ${at(1)}`;
};
const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">
<rect width="64" height="64" rx="14" fill="#0b5345"/>
<g transform="translate(0 -1)"><path fill="#fff" d="${path(HORN)}${path(POLE)}"/>
<path fill="none" stroke="#fff" stroke-width="3.6" d="${WAVES.map(arc).join("")}"/></g>
</svg>
`;

mkdirSync(OUT, { recursive: true });
writeFileSync(new URL("icon.svg", OUT), svg);
writeFileSync(new URL("icon-192.png", OUT), png(192, 14, 1));
writeFileSync(new URL("icon-512.png", OUT), png(512, 14, 1));
writeFileSync(new URL("maskable-512.png", OUT), png(512, 0, 0.74));
