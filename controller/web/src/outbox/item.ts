/// One announcement on its way out, and every rule of that way. Pure: time, line and person are given.
import type { BulletinBody, WhenBody } from "../api/types";
import type { Draft, What } from "../announce/draft";
import { isPointless } from "../announce/when";

/// `waiting`: leaves when it can. `pointless`: its time passed first; a person decides. `refused`: the office said no; it can
/// be edited. `sent`: the office has it.
export type State = "waiting" | "pointless" | "refused" | "sent";
export type Step = "audio" | "bulletin";

export interface Trouble {
  status: number;
  code: string;
  message: string;
}
export interface Item {
  id: string;
  /// Who made it; only this person's session sends it.
  user: { id: string; name: string };
  madeMs: number;
  draft: Draft;
  what: What;
  body: Omit<BulletinBody, "audio">;
  /// Who may agree to it, as far as the office told before.
  approvers?: string[];
  /// What the office found worth a look before.
  warnings?: { code: string; message: string }[];
  /// Made once: a second try with the same key is not a second bulletin.
  keys: { audio: string; bulletin: string };
  /// The office's id of the sound, once it is there.
  audio: string | null;
  /// The bulletin was asked for at least once, so the office may have it though no answer came.
  asked: boolean;
  state: State;
  trouble: Trouble | null;
  tries: number;
  nextTryMs: number;
  bulletin: string | null;
  sentMs: number | null;
  /// When the office wanted to be shown once more who sends it.
  unprovedMs?: number | undefined;
}

/// So many may wait.
export const MAX_WAITING = 50;
const FIRST_WAIT_MS = 5_000;
const LONGEST_WAIT_MS = 5 * 60_000;
/// The sound was lost at the office this often: then it is no accident.
const MOST_UPLOADS = 3;

export interface Around {
  nowMs: number;
  zone: string;
  online: boolean;
  /// The person whose session is good.
  user: string | null;
  /// When this person has last shown who he is, on this page; 0: not yet.
  provedMs: number;
}

/// What is to be done with it. `look`: its time has passed, but the office may have it from a try whose answer was lost.
export type Move =
  | { do: "nothing" }
  | { do: "send"; step: Step }
  | { do: "look" }
  | { do: "too_late" }
  | { do: "wait"; for: "line" | "sign_in" | "other_person" | "proof" | "next_try" };

/// The office asked for it, and nothing was shown since.
function needsProof(item: Item, provedMs: number): boolean {
  return item.unprovedMs !== undefined && provedMs < item.unprovedMs;
}

export function move(item: Item, around: Around): Move {
  if (item.state !== "waiting") return { do: "nothing" };
  const late = isPointless(item.body.when, item.madeMs, around.nowMs, around.zone);
  if (late && !item.asked) return { do: "too_late" };
  if (!around.online) return { do: "wait", for: "line" };
  if (around.user === null) return { do: "wait", for: "sign_in" };
  if (around.user !== item.user.id) return { do: "wait", for: "other_person" };
  if (late) return { do: "look" };
  if (needsProof(item, around.provedMs)) return { do: "wait", for: "proof" };
  if (item.nextTryMs > around.nowMs) return { do: "wait", for: "next_try" };
  return { do: "send", step: item.audio === null && item.what.kind !== "relay" ? "audio" : "bulletin" };
}

/// The sound is at the office.
export function withAudio(item: Item, audio: string): Item {
  return { ...item, audio, tries: 0, nextTryMs: 0, trouble: null };
}
/// Before the bulletin is asked for: from now on the office may have it.
export function asking(item: Item): Item {
  return { ...item, asked: true };
}
export function sent(item: Item, bulletin: string, nowMs: number): Item {
  return { ...item, state: "sent", bulletin, sentMs: nowMs, trouble: null };
}
export function tooLate(item: Item): Item {
  return { ...item, state: "pointless", trouble: null };
}

/// The answer to a try was no, or there was none. `key`: a fresh one.
export function failed(item: Item, trouble: Trouble, retryAfterS: number | null, nowMs: number, key: string): Item {
  const wait = (): Item => {
    const backoff = Math.min(FIRST_WAIT_MS * 2 ** item.tries, LONGEST_WAIT_MS);
    const nextTryMs = nowMs + Math.max(backoff, (retryAfterS ?? 0) * 1_000);
    return { ...item, trouble, tries: item.tries + 1, nextTryMs };
  };
  if (trouble.status === 401) return { ...item, trouble: null };
  // No refusal: it waits until its person has shown who he is.
  if (trouble.code === "proof_needed") return { ...item, trouble: null, unprovedMs: nowMs };
  if (trouble.status === 0 || trouble.status === 429 || trouble.status >= 500) return wait();
  // From something between here and the office (a hotel's sign-in page), not a word of the office; but too much is too much.
  if (trouble.code === "unexpected" && trouble.status !== 413) return wait();
  if (trouble.code === "idempotency_in_progress" || trouble.code === "upload_interrupted") return wait();
  if (trouble.code === "time_past") return { ...item, state: "pointless", trouble: null };
  const soundLost = item.audio !== null && (trouble.code === "audio_unknown" || trouble.code === "audio_gone");
  if (soundLost && item.what.kind !== "kept" && item.tries < MOST_UPLOADS)
    return { ...item, audio: null, keys: { ...item.keys, audio: key }, tries: item.tries + 1, trouble };
  return { ...item, state: "refused", trouble };
}

/// A person decided about one that came too late: say it now, after all. Another body, so another key.
export function sayNow(item: Item, nowMs: number, key: string): Item {
  const when: WhenBody = { now: true };
  return {
    ...item,
    body: { ...item.body, when },
    draft: { ...item.draft, when: { ...item.draft.when, kind: "now" } },
    madeMs: nowMs,
    keys: { ...item.keys, bulletin: key },
    asked: false,
    state: "waiting",
    trouble: null,
    tries: 0,
    nextTryMs: 0,
    unprovedMs: undefined,
  };
}

/// When to look again, if nothing happens before: the next try, or the end of somebody's time.
export function wakeAt(items: Item[], nowMs: number): number | null {
  const waiting = items.filter((item) => item.state === "waiting");
  // Proof comes from a person, who wakes it.
  const times = waiting.map((item) => Math.max(item.unprovedMs === undefined ? item.nextTryMs : nowMs + 60_000, nowMs + 1_000));
  return times.length ? Math.min(...times, nowMs + 60_000) : null;
}

const KEPT_SENT = 20;
const KEPT_SENT_MS = 3 * 86_400_000;
/// Sent ones that need not be shown any more.
export function outdated(items: Item[], nowMs: number): Item[] {
  const done = items.filter((item) => item.state === "sent").sort((a, b) => (b.sentMs ?? 0) - (a.sentMs ?? 0));
  return done.filter((item, i) => i >= KEPT_SENT || nowMs - (item.sentMs ?? 0) > KEPT_SENT_MS);
}
