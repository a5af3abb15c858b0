import { describe, expect, it } from "vitest";
import { CaptureClock, OfficeClock } from "./clock";
import { chance } from "./testing";

const AHEAD = 1_700_000_000_000_000;
/// The office is `AHEAD` of the phone; there and back take so long.
const exchange = (sentUs: number, there: number, back: number, ahead = AHEAD) => ({
  sentUs,
  receivedUs: sentUs + there + ahead,
  answeredUs: sentUs + there + ahead + 500,
  cameUs: sentUs + there + 500 + back,
});

describe("the office's clock", () => {
  it("is not known before an answer, and a nonsensical one counts for nothing", () => {
    const clock = new OfficeClock();
    expect(clock.capture(0, 0)).toBeNull();
    clock.learn({ ...exchange(1_000, 20, 20), cameUs: 900 });
    expect(clock.isKnown).toBe(false);
  });
  it("is taken from the quickest exchange, however slow the others were on one way", () => {
    const clock = new OfficeClock();
    clock.learn(exchange(0, 180_000, 20_000));
    clock.learn(exchange(200_000, 21_000, 20_000));
    clock.learn(exchange(400_000, 20_000, 140_000));
    expect(clock.rttMs).toBeCloseTo(41, 6);
    expect((clock.capture(1_000_000, 1_000_000) ?? 0) - AHEAD - 1_000_000).toBeCloseTo(500, 0);
    expect(clock.toPhoneUs(AHEAD + 2_000_000)).toBeCloseTo(2_000_000 - 500, 0);
  });
  it("is corrected little by little, and what was captured later is never stamped earlier", () => {
    const clock = new OfficeClock();
    const next = chance(5);
    let last = 0;
    for (let n = 0; n < 3_000; n++) {
      const now = n * 20_000;
      // The phone's clock runs 100 ppm slow; after half the time the office's was put back by 80 ms.
      const ahead = AHEAD + now * 1e-4 - (n > 1_500 ? 80_000 : 0);
      if (n % 250 < 3) clock.learn(exchange(now, 20_000 + 60_000 * next(), 20_000 + 60_000 * next(), ahead));
      const at = clock.capture(now, now) ?? 0;
      expect(at).toBeGreaterThanOrEqual(last);
      if (n > 0) expect(Math.abs(at - last - 20_000)).toBeLessThan(20_000 * 0.006);
      last = at;
    }
  });
});

describe("when a sample was captured", () => {
  it("follows the earliest arrivals, not a page that was busy", () => {
    const clock = new CaptureClock(0.01);
    const next = chance(9);
    for (let n = 0; n < 500; n++) {
      const end = (n + 1) * 0.02;
      // The audio clock is 3 s behind the phone's; pieces come 1 ms to 60 ms late.
      const now = end * 1e6 + 3_000_000 + 1_000 + (n % 10 === 0 ? 0 : 60_000 * next());
      clock.arrived(end, now);
      const at = clock.capturedUs(n * 0.02, now);
      if (n > 300) expect(Math.abs(at - (n * 20_000 + 3_000_000 - 10_000))).toBeLessThan(2_000);
    }
  });
  it("does not drift from the phone's clock within an hour", () => {
    const clock = new CaptureClock(0);
    let worst = 0;
    for (let n = 0; n < 180_000; n += 1) {
      const end = (n + 1) * 0.02;
      // 100 ppm.
      const now = end * 1e6 * (1 + 1e-4) + 2_000;
      clock.arrived(end, now);
      if (n > 1_000) worst = Math.max(worst, Math.abs(clock.capturedUs(n * 0.02, now) - n * 20_000 * (1 + 1e-4)));
    }
    expect(worst).toBeLessThan(5_000);
  });
});
