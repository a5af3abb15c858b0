/// What the phone and the office say to each other while somebody speaks. Pure: text in, meaning out.
import type { Codec } from "./frame";

export type CallState = "ringing" | "on_air" | "ended";

export type FromOffice =
  | { is: "clock"; sentUs: number; receivedUs: number; answeredUs: number }
  | { is: "state"; state: CallState; sounding: number; of: number; delayMs: number; leftS: number; holes: number }
  | { is: "ended"; reason: string }
  /// A newer office may say what this app does not know.
  | { is: "other" };

export const hello = (codec: Codec): string => JSON.stringify({ hello: { codec } });
export const askClock = (sentUs: number): string => JSON.stringify({ clock: { sent_us: Math.round(sentUs) } });
export const end = (): string => JSON.stringify({ end: {} });

function number(of: Record<string, unknown>, key: string): number | null {
  const value = of[key];
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}
function part(of: unknown, key: string): Record<string, unknown> | null {
  const value = typeof of === "object" && of !== null ? (of as Record<string, unknown>)[key] : undefined;
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
}

export function read(text: string): FromOffice {
  let all: unknown;
  try {
    all = JSON.parse(text);
  } catch {
    return { is: "other" };
  }
  const clock = part(all, "clock");
  if (clock) {
    const [sentUs, receivedUs, answeredUs] = [number(clock, "sent_us"), number(clock, "received_us"), number(clock, "answered_us")];
    if (sentUs === null || receivedUs === null || answeredUs === null) return { is: "other" };
    return { is: "clock", sentUs, receivedUs, answeredUs };
  }
  const state = part(all, "state");
  if (state) {
    const name = state.state;
    if (name !== "ringing" && name !== "on_air" && name !== "ended") return { is: "other" };
    const of = (key: string) => number(state, key) ?? 0;
    return {
      is: "state",
      state: name,
      sounding: of("sounding"),
      of: of("of"),
      delayMs: of("delay_ms"),
      leftS: of("left_s"),
      holes: of("holes"),
    };
  }
  const ended = part(all, "ended");
  if (ended) return { is: "ended", reason: typeof ended.reason === "string" ? ended.reason : "" };
  return { is: "other" };
}

/// What may wait in the socket: about a second of speech. Beyond that frames are let go, or the speech would creep.
export const MOST_WAITING: Record<Codec, number> = { opus: 4_500, pcm16: 34_000 };

export function fits(codec: Codec, waitingBytes: number): boolean {
  return waitingBytes <= MOST_WAITING[codec];
}

/// The office's word comes twice a second. Nothing for so long: the line is not to be relied on.
export const SILENT_MS = 1_800;
/// A lost line is tried again for so long; by then the office has ended the call.
export const AGAIN_MS = 4_000;
/// The office waits no longer for the microphone of a new call.
export const FIRST_MS = 10_000;

/// Where the socket is.
export function address(here: { protocol: string; host: string }, call: string): string {
  return `${here.protocol === "https:" ? "wss" : "ws"}://${here.host}/api/v1/calls/${encodeURIComponent(call)}/microphone`;
}
