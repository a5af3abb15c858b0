/// Whether what a pole played was also heard, by its own microphone or sensor.

export type Hearing = "heard" | "not_heard" | "no_microphone" | "unclear";
const HEARINGS: readonly unknown[] = ["heard", "not_heard", "no_microphone", "unclear"] satisfies Hearing[];

/// `null`: nothing was told of it, or in a word that this app does not know yet.
export function hearingOf(heard: unknown): Hearing | null {
  return HEARINGS.includes(heard) ? (heard as Hearing) : null;
}
