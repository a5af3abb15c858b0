/// The office's clock, learnt from a few exchanges, and the moment when a sample was captured. Both only ever move forwards,
/// and little by little: what the office hears must not jump. Pure; all times are given.

/// What the phone and the office wrote down of one question and its answer, in µs: two by the phone's clock, two by the office's.
export interface Exchange {
  sentUs: number;
  receivedUs: number;
  answeredUs: number;
  cameUs: number;
}

/// So many of the last exchanges are looked at.
const KEPT = 12;
/// A sudden correction larger than this is no drift: the clock was set, or the first estimate was bad.
const LEAP_US = 250_000;
/// Otherwise it moves by at most this part of the time that passes.
const SLEW = 0.005;

/// Moves towards a target without ever letting (input + offset) go backwards.
class Slewed {
  #value: number | null = null;
  #atUs = 0;

  towards(target: number, nowUs: number): number {
    if (this.#value === null || target - this.#value > LEAP_US) {
      this.#value = target;
    } else {
      // Backwards it never leaps: it goes slower until it is right.
      const most = Math.max(0, nowUs - this.#atUs) * SLEW;
      this.#value += Math.min(most, Math.max(-most, target - this.#value));
    }
    this.#atUs = Math.max(this.#atUs, nowUs);
    return this.#value;
  }
}

export class OfficeClock {
  #exchanges: { rttUs: number; offsetUs: number }[] = [];
  #offset = new Slewed();
  #lastUs = 0;

  /// Nonsense (answered before it was asked) counts for nothing.
  learn(one: Exchange): void {
    const rttUs = one.cameUs - one.sentUs - (one.answeredUs - one.receivedUs);
    if (!(rttUs >= 0) || one.answeredUs < one.receivedUs) return;
    const offsetUs = (one.receivedUs - one.sentUs + (one.answeredUs - one.cameUs)) / 2;
    this.#exchanges.push({ rttUs, offsetUs });
    if (this.#exchanges.length > KEPT) this.#exchanges.shift();
  }
  get isKnown(): boolean {
    return this.#exchanges.length > 0;
  }
  /// The quickest exchange knows best: what is slow was held up on one way only.
  get #best() {
    return this.#exchanges.reduce<{ rttUs: number; offsetUs: number } | null>((a, b) => (a && a.rttUs <= b.rttUs ? a : b), null);
  }
  get rttMs(): number | null {
    const best = this.#best;
    return best && best.rttUs / 1_000;
  }

  /// Unix µs by the office, of a moment by the phone's clock; `nowUs` by the same. Never less than it gave before.
  capture(phoneUs: number, nowUs: number): number | null {
    const best = this.#best;
    if (!best) return null;
    this.#lastUs = Math.max(this.#lastUs, phoneUs + this.#offset.towards(best.offsetUs, nowUs));
    return this.#lastUs;
  }
  /// When an instant of the office's is, by the phone's clock.
  toPhoneUs(officeUs: number): number | null {
    const best = this.#best;
    return best && officeUs - best.offsetUs;
  }
}

/// So long back the earliest arrival counts.
const WINDOW_US = 10_000_000;

/// From the audio clock (seconds of an AudioContext) to the phone's monotonic clock (µs).
///
/// A piece of sound cannot reach us before it was captured, and mostly it comes at once: the earliest arrivals of the last
/// seconds bind the two clocks. (`getOutputTimestamp` tells of the loudspeaker's end, and not every browser tells the truth.)
export class CaptureClock {
  #arrivals: { atUs: number; offsetUs: number }[] = [];
  #offset = new Slewed();
  #latencyUs: number;

  /// From the microphone's membrane to the audio clock, where the browser knows it.
  constructor(latencyS: number) {
    this.#latencyUs = Math.max(0, Math.min(0.5, latencyS)) * 1_000_000;
  }
  /// The piece that ended at `endS` came at `nowUs`.
  arrived(endS: number, nowUs: number): void {
    const offsetUs = nowUs - endS * 1_000_000;
    // Only what may still become the earliest is kept: offsets rise from the front to the back.
    while ((this.#arrivals.at(-1)?.offsetUs ?? Number.NEGATIVE_INFINITY) >= offsetUs) this.#arrivals.pop();
    this.#arrivals.push({ atUs: nowUs, offsetUs });
    while ((this.#arrivals[0]?.atUs ?? nowUs) < nowUs - WINDOW_US) this.#arrivals.shift();
  }
  /// Before somebody speaks: nothing hangs on what was told before, so the best that is known holds at once.
  settle(): void {
    this.#offset = new Slewed();
  }
  /// When the sample at `atS` was captured.
  capturedUs(atS: number, nowUs: number): number {
    const first = this.#arrivals[0];
    const offset = this.#offset.towards(first ? first.offsetUs : nowUs - atS * 1_000_000, nowUs);
    return atS * 1_000_000 + offset - this.#latencyUs;
  }
}
