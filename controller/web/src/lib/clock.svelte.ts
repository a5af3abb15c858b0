/// Where the app reads the time, and a shared tick for texts like "3 phút trước".

const state = $state({ now: Date.now() });
setInterval(() => {
  state.now = Date.now();
}, 10_000);

/// Reactive; moves every ten seconds.
export function now(): number {
  return state.now;
}
/// Exact, not reactive.
export function exactNow(): number {
  return Date.now();
}
