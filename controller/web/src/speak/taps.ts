/// Taps on one button that begins and ends a call: the second of a double tap would undo what the first one did, or begin
/// anew what it ended. Pure.

/// So close together, two taps are one.
const TWICE_MS = 500;

export class Taps {
  #lastMs = Number.NEGATIVE_INFINITY;
  #meantMs = Number.NEGATIVE_INFINITY;

  /// `false`: it belongs to the tap before it, or was under way when the button became another. Who taps on and on begins nothing,
  /// but is let end (`isEnd`): nobody stays on the air for his impatience.
  isMeant(atMs: number, isEnd: boolean): boolean {
    const passed = atMs - (isEnd ? this.#meantMs : this.#lastMs);
    this.#lastMs = atMs;
    if (passed < TWICE_MS) return false;
    this.#meantMs = atMs;
    return true;
  }
  /// The button does something else from now on.
  turned(atMs: number): void {
    this.#lastMs = Math.max(this.#lastMs, atMs);
    this.#meantMs = Math.max(this.#meantMs, atMs);
  }
}
