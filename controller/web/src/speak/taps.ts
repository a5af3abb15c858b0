/// Taps on one button that begins and ends a call: the second of a double tap would undo what the first one did, or begin
/// anew what it ended. Pure.

/// So close together, two taps are one.
const TWICE_MS = 500;

export class Taps {
  #lastMs = Number.NEGATIVE_INFINITY;

  /// `false`: it belongs to the tap before it, or was under way when the button became another.
  isMeant(atMs: number): boolean {
    const passed = atMs - this.#lastMs;
    this.#lastMs = atMs;
    return passed >= TWICE_MS;
  }
  /// The button does something else from now on.
  turned(atMs: number): void {
    this.#lastMs = Math.max(this.#lastMs, atMs);
  }
}
