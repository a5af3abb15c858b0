/// Server-sent events: the office says what changed, the app reads it again. Comes back by itself after a lost line.
import { api } from "../api/client";

export type LiveKind = "speaker" | "playout" | "bulletin" | "event" | "alert" | "repair" | "resync";
const KINDS: LiveKind[] = ["speaker", "playout", "bulletin", "event", "alert", "repair", "resync"];
export interface LiveEvent {
  kind: LiveKind;
  speaker?: string;
  bulletin?: string;
  occurrence?: string;
  alert?: string;
  repair?: string;
}
type Listener = (event: LiveEvent) => void;

const FIRST_WAIT_MS = 2_000;
const LONGEST_WAIT_MS = 60_000;

const listeners = new Map<Listener, Set<LiveKind>>();
let source: EventSource | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
let wait = FIRST_WAIT_MS;
let wanted = false;
let onState: (up: boolean) => void = () => {};

function tell(event: LiveEvent): void {
  for (const [listener, kinds] of listeners) if (kinds.has(event.kind)) listener(event);
}

function connect(): void {
  clearTimeout(timer);
  source?.close();
  const mine = new EventSource(api.eventsUrl);
  source = mine;
  mine.onopen = () => {
    wait = FIRST_WAIT_MS;
    onState(true);
  };
  mine.onerror = () => {
    onState(false);
    // While CONNECTING the browser tries by itself; after a refusal (an answer other than 200) it does not.
    if (mine.readyState === EventSource.CLOSED && wanted && source === mine) {
      timer = setTimeout(connect, wait);
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    }
  };
  for (const kind of KINDS) {
    mine.addEventListener(kind, (message) => {
      let data: Record<string, string> = {};
      try {
        data = JSON.parse((message as MessageEvent<string>).data);
      } catch {
        // An event without data still says that something changed.
      }
      tell({ ...data, kind });
    });
  }
}

/// From sign-in to sign-out. `state`: hears whether the stream stands.
export function startLive(state: (up: boolean) => void): void {
  onState = state;
  if (wanted) return;
  wanted = true;
  connect();
}
export function stopLive(): void {
  wanted = false;
  clearTimeout(timer);
  source?.close();
  source = null;
}
/// Now, not at the end of a wait: the line is known to be back, or the app is looked at again.
export function wakeLive(): void {
  if (wanted && source?.readyState !== EventSource.OPEN) {
    wait = FIRST_WAIT_MS;
    connect();
  }
}

/// `resync` (some events were lost: read again) comes to every listener. Returns what ends it.
export function onLive(kinds: LiveKind[], listener: Listener): () => void {
  listeners.set(listener, new Set<LiveKind>([...kinds, "resync"]));
  return () => listeners.delete(listener);
}
