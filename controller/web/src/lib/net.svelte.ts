/// Is the office within reach? By what the browser says and by what calls really came to.

const state = $state({ online: typeof navigator === "undefined" || navigator.onLine });
const listeners = new Set<() => void>();

function set(online: boolean): void {
  const back = online && !state.online;
  state.online = online;
  if (back) for (const listener of listeners) listener();
}

export function watchNetwork(): void {
  addEventListener("online", () => set(true));
  addEventListener("offline", () => set(false));
}
/// Told by every call to the office.
export function reached(ok: boolean): void {
  set(ok);
}
/// The phone has a network; whether the office answers is another matter.
export function hasNetwork(): boolean {
  return typeof navigator === "undefined" || navigator.onLine;
}
export function isOnline(): boolean {
  return state.online;
}
/// Runs when the office is within reach again.
export function whenBack(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
