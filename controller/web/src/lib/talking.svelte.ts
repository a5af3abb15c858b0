/// Is somebody in the middle of a live call? Then nothing else is asked of him.

const state = $state({ on: false });

export function isTalking(): boolean {
  return state.on;
}
export function talk(on: boolean): void {
  state.on = on;
}
