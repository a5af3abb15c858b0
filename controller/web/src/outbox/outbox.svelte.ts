/// What waits to leave this phone: kept on its disk before anything is sent, sent by one tab at a time, never twice.
import { api, ApiError, methodsOf, newKey, words } from "../api/client";
import type { AudioView, Bulletins, BulletinView, SpeechBody } from "../api/types";
import { bytesOf, dropRecording } from "../announce/recordings";
import { exactNow } from "../lib/clock.svelte";
import { db, persist } from "../lib/db";
import { t } from "../lib/i18n/index.svelte";
import { onLive } from "../lib/live";
import { hasNetwork, isOnline, whenBack } from "../lib/net.svelte";
import { session, whenSignedIn } from "../lib/session.svelte";
import { type Method, proof, prove, whenProved } from "../proof/proof.svelte";
import {
  asking,
  failed,
  type Item,
  MAX_WAITING,
  move,
  outdated,
  sayNow,
  sent,
  type Step,
  tooLate,
  wakeAt,
  withAudio,
} from "./item";

const LOCK = "loa-outbox";
const SPEECH_PATIENCE_MS = 90_000;

const state = $state<{ items: Item[]; sending: { id: string; step: Step } | null }>({ items: [], sending: null });
const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(LOCK);
let timer: ReturnType<typeof setTimeout> | undefined;
let again = false;
let running = false;

export const outbox = {
  /// Newest first.
  get items() {
    return state.items;
  },
  /// Not done with: waiting, too late, or refused.
  get open() {
    return state.items.filter((item) => item.state !== "sent").length;
  },
  /// What is on the line at this moment.
  get sending() {
    return state.sending;
  },
  find: (id: string) => state.items.find((item) => item.id === id),
};

async function reload(): Promise<void> {
  const items = await db.all<Item>("outbox");
  state.items = items.sort((a, b) => b.madeMs - a.madeMs);
}
async function keep(item: Item): Promise<void> {
  await db.put("outbox", $state.snapshot(item));
  await reload();
  channel?.postMessage("changed");
}

/// From here on it leaves by itself. Throws when the phone cannot keep it.
export async function add(item: Item): Promise<void> {
  if (outbox.open >= MAX_WAITING) throw new Error(t("outbox.full", { n: MAX_WAITING }));
  persist();
  try {
    await keep(item);
  } catch {
    throw new Error(t("outbox.unkept"));
  }
  void flush();
}

/// `recording`: its sound goes too, unless a draft goes on with it.
export async function remove(id: string, recording = true): Promise<void> {
  const item = outbox.find(id);
  await db.delete("outbox", id);
  if (recording && item?.what.kind === "sound") await dropRecording(item.what.recording);
  await reload();
  channel?.postMessage("changed");
}

export async function sendNowAfterAll(id: string): Promise<void> {
  const item = outbox.find(id);
  if (!item) return;
  await keep(sayNow($state.snapshot(item) as Item, exactNow(), newKey()));
  void flush();
}
/// Without waiting for the next try.
export async function tryNow(id: string): Promise<void> {
  const item = outbox.find(id);
  if (!item) return;
  await keep({ ...($state.snapshot(item) as Item), nextTryMs: 0, tries: 0, unprovedMs: undefined });
  await flush(true);
}

async function sendAudio(item: Item): Promise<Item> {
  const { what } = item;
  if (what.kind === "relay") return item;
  if (what.kind === "kept") return withAudio(item, what.audio);
  if (what.kind === "speech") {
    const body: SpeechBody = { text: what.text, voice: what.voice || undefined, speed: what.speed };
    const made = await api.post<AudioView>("/audio/speech", body, {
      key: item.keys.audio,
      timeoutMs: SPEECH_PATIENCE_MS,
      unasked: true,
    });
    return withAudio(item, made.id);
  }
  const bytes = await bytesOf(what.recording);
  if (!bytes) throw new ApiError(422, "sound_lost", t("outbox.lost"));
  const form = new FormData();
  form.append("title", item.body.title);
  form.append("file", bytes, what.name);
  const made = await api.upload<AudioView>("/audio", form, { key: item.keys.audio, unasked: true });
  return withAudio(item, made.id);
}

async function sendBulletin(item: Item): Promise<Item> {
  const { when } = item.body;
  const body = { ...item.body, when, ...(item.audio && { audio: item.audio }) };
  // The answer may get lost: that it was asked for is on the disk first.
  const asked = asking(item);
  await keep(asked);
  const made = await api.post<BulletinView>("/bulletins", body, { key: item.keys.bulletin, timeoutMs: 30_000, unasked: true });
  return sent(asked, made.id, exactNow());
}

/// Its time has passed, but a try may have reached the office.
async function look(item: Item): Promise<Item> {
  const { bulletins } = await api.get<Bulletins>("/bulletins", { query: { limit: 100 } });
  const mine = bulletins.find((b) => b.audio === item.audio && b.title === item.body.title && Date.parse(b.made) >= item.madeMs - 3_600_000);
  return mine ? sent(item, mine.id, exactNow()) : tooLate(item);
}

/// One move of one item. `true`: something changed, look again at once.
async function step(item: Item, isForced: boolean): Promise<boolean> {
  const next = move(item, {
    nowMs: exactNow(),
    zone: session.zone,
    // A forced try asks the line itself.
    online: isForced || isOnline(),
    user: session.state === "in" ? (session.me?.user.id ?? null) : null,
    provedMs: proof.provedMs,
  });
  if (next.do === "too_late") {
    await keep(tooLate(item));
    return true;
  }
  if (next.do !== "send" && next.do !== "look") return false;
  state.sending = { id: item.id, step: next.do === "send" ? next.step : "bulletin" };
  try {
    if (next.do === "look") await keep(await look(item));
    else if (next.step === "audio") await keep(await sendAudio(item));
    else {
      const done = await sendBulletin(item);
      await keep(done);
      if (done.what.kind === "sound") await dropRecording(done.what.recording);
    }
    return true;
  } catch (error) {
    const trouble =
      error instanceof ApiError
        ? { status: error.status, code: error.code, message: error.message }
        : { status: 0, code: "phone", message: words(error) };
    const retryAfter = error instanceof ApiError ? error.retryAfterS : null;
    const latest = (await db.get<Item>("outbox", item.id)) ?? item;
    await keep(failed(latest, trouble, retryAfter, exactNow(), newKey()));
    // Nothing stands still meanwhile: others leave, and this one as soon as it is given.
    if (error instanceof ApiError && error.needsProof) void prove(methodsOf(error) as Method[]);
    // A refusal may be followed at once by another way (the sound again); no answer must not.
    return trouble.status >= 400 && trouble.status < 500 && trouble.status !== 401 && trouble.status !== 429;
  } finally {
    state.sending = null;
  }
}

/// The last call failed, but the phone has a network: is the office back?
async function knock(): Promise<void> {
  if (isOnline() || !hasNetwork() || !state.items.some((item) => item.state === "waiting")) return;
  await api.get("/app", { open: true, timeoutMs: 8_000 }).catch(() => {});
}

async function sendAll(isForced: boolean): Promise<void> {
  await reload();
  if (!isForced) await knock();
  // Oldest first; what another tab sent meanwhile is read here as sent.
  for (const { id } of [...state.items].reverse()) {
    for (let goes = true; goes; ) {
      const item = await db.get<Item>("outbox", id);
      goes = item !== undefined && (await step(item, isForced));
    }
  }
  for (const item of outdated(state.items, exactNow())) await db.delete("outbox", item.id);
  await reload();
}

/// Sends what can be sent. Only one tab does at a time.
export async function flush(isForced = false): Promise<void> {
  if (running) {
    again = true;
    return;
  }
  running = true;
  clearTimeout(timer);
  try {
    do {
      again = false;
      if (navigator.locks) {
        await navigator.locks.request(LOCK, { ifAvailable: true }, async (lock) => {
          if (lock) await sendAll(isForced);
        });
      } else await sendAll(isForced);
    } while (again);
  } catch {
    // The phone's store failed; the next turn tries again.
  } finally {
    running = false;
    const at = wakeAt(state.items, exactNow());
    if (at !== null) timer = setTimeout(() => void flush(), at - exactNow());
  }
}

export async function startOutbox(): Promise<void> {
  channel?.addEventListener("message", () => void reload().catch(() => {}));
  whenBack(() => void flush());
  whenSignedIn(() => void flush());
  whenProved(() => void flush());
  onLive([], () => void flush());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") void flush();
  });
  await reload().catch(() => {});
  await flush();
}
