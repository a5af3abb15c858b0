/// Whether the person has shown a short while ago who he is, and the one question that asks for it. Many calls may wait for
/// one answer; what was being done goes on after it.
import { exactNow } from "../lib/clock.svelte";

export type Method = "password" | "totp" | "passkey" | "recovery_code";

const state = $state<{ methods: Method[] | null; provedMs: number }>({ methods: null, provedMs: 0 });
let waiting: ((proved: boolean) => void)[] = [];
const listeners = new Set<() => void>();

export const proof = {
  /// What would do; `null`: nobody is asked.
  get asked() {
    return state.methods;
  },
  /// When it was given the last time on this page, in ms; 0: never. By this phone's clock alone.
  get provedMs() {
    return state.provedMs;
  },
};

/// Asks. `true`: given, so what was refused may be tried again, once.
export function prove(methods: Method[]): Promise<boolean> {
  state.methods = methods.length > 0 ? methods : ["password"];
  return new Promise((resolve) => waiting.push(resolve));
}

function answer(proved: boolean): void {
  const all = waiting;
  waiting = [];
  state.methods = null;
  for (const resolve of all) resolve(proved);
}
/// It was given: in the dialog, or by signing in.
export function proved(): void {
  state.provedMs = exactNow();
  answer(true);
  for (const listener of listeners) listener();
}
/// Put away: whoever waited is refused after all.
export function putAway(): void {
  answer(false);
}
export function whenProved(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
