/// Who is signed in on this phone. Remembered, so that the app opens without a line; an expired session takes nothing away.
import { api, ApiError, hook } from "../api/client";
import type { AppView, MeView, PasskeyChallenge, SessionView } from "../api/types";
import { forgetCache } from "./cache.svelte";
import { OFFICE_ZONE } from "./civil";
import { db } from "./db";
import { language, t } from "./i18n/index.svelte";
import { startLive, stopLive } from "./live";
import { hasNetwork, reached } from "./net.svelte";
import { sign } from "../proof/passkeys";
import { type Method, proved, prove } from "../proof/proof.svelte";

/// `expired`: the person is known, work goes on, but the office wants the password again.
export type SessionState = "starting" | "out" | "in" | "expired";

const state = $state<{ at: SessionState; me: MeView | null; app: AppView | null; live: boolean }>({
  at: "starting",
  me: null,
  app: null,
  live: false,
});
const signedIn = new Set<() => void>();

export const session = {
  get state() {
    return state.at;
  },
  get me() {
    return state.me;
  },
  get app() {
    return state.app;
  },
  get zone(): string {
    return state.app?.zone ?? OFFICE_ZONE;
  },
  /// Are events coming in?
  get live() {
    return state.live;
  },
};

/// Runs after every sign-in, also one in place.
export function whenSignedIn(listener: () => void): () => void {
  signedIn.add(listener);
  return () => signedIn.delete(listener);
}

function settle(me: MeView): void {
  state.me = me;
  state.at = "in";
  void db.put("kv", $state.snapshot(me), "me").catch(() => {});
  startLive((up) => {
    state.live = up;
    if (up) reached(true);
  });
  for (const listener of signedIn) listener();
}

async function readApp(): Promise<void> {
  try {
    state.app = await api.get<AppView>("/app", { open: true });
    await db.put("kv", $state.snapshot(state.app), "app");
  } catch {
    // The kept one serves.
  }
}

/// At the start, and again whenever the line is back.
export async function readMe(): Promise<void> {
  void readApp();
  try {
    settle(await api.get<MeView>("/me", { open: true }));
  } catch (error) {
    if (error instanceof ApiError && error.isExpired) expire();
    else if (state.at === "starting") state.at = state.me ? "in" : "out";
  }
}

function expire(): void {
  stopLive();
  state.live = false;
  state.at = state.me ? "expired" : "out";
}

export async function startSession(): Promise<void> {
  hook({
    language,
    user: () => state.me?.user.id ?? null,
    unreachable: () => t(hasNetwork() ? "error.unreachable" : "error.offline"),
    expired: expire,
    reached,
    prove: (methods) => prove(methods as Method[]),
  });
  const [me, app] = await Promise.all([
    db.get<MeView>("kv", "me").catch(() => undefined),
    db.get<AppView>("kv", "app").catch(() => undefined),
  ]);
  state.app = app ?? null;
  if (me) {
    state.me = me;
    // Known: the app opens at once, the office is asked behind it.
    state.at = "in";
    void readMe();
  } else await readMe();
}

async function enter(opening: Promise<SessionView>): Promise<void> {
  const opened = await opening;
  if (state.me && state.me.user.id !== opened.user.id) await forgetCache();
  settle(await api.get<MeView>("/me"));
  // Who has just signed in has shown who he is.
  proved();
}

/// Throws the office's refusal: with `second_factor_needed` the same is to be sent with a code. `code`: of the authenticator
/// app, or a recovery code.
export async function signIn(username: string, password: string, code?: string): Promise<void> {
  await enter(api.post<SessionView>("/session", { username, password, ...(code && { code }) }, { open: true }));
}
/// A passkey alone does it. Without a name, whichever this device has for the office. Throws the office's refusal, or a
/// `PasskeyFailure`.
export async function signInByPasskey(username?: string): Promise<void> {
  const asked = await api.post<PasskeyChallenge>("/session/passkey_challenge", { ...(username && { username }) }, { open: true });
  await enter(api.post<SessionView>("/session/passkey", await sign(asked), { open: true }));
}
/// By the one-time link.
export async function setUp(token: string, username: string, password: string): Promise<void> {
  await enter(api.post<SessionView>("/setup", { token, username, password }, { open: true }));
}

/// Drafts and what waits to be sent stay on the phone: they are the person's, and are offered again.
export async function signOut(): Promise<void> {
  try {
    await api.delete("/session");
  } catch (error) {
    if (!(error instanceof ApiError && error.isExpired)) throw error;
  }
  stopLive();
  await Promise.all([db.delete("kv", "me"), forgetCache()]);
  state.me = null;
  state.at = "out";
}
