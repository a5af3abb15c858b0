/// Stop-all: the order goes out at once and again until the office has it; then each pole is watched until it is silent.
import { api, ApiError, words } from "../api/client";
import type { NowSpeaker, NowView, Stopped } from "../api/types";
import { exactNow } from "./clock.svelte";
import { onLive } from "./live";
import { areas } from "./places.svelte";
import { session } from "./session.svelte";
import { falling, type Pole } from "./stopping";

const AGAIN_MS = 1_500;
const LOOK_MS = 1_000;
/// Looked at this long; a pole that has not answered by then is told as such.
const WATCH_MS = 90_000;

/// `sending`: not with the office yet. `watching`: ordered, poles fall silent. `done`: looked long enough, or all silent.
export type Phase = "idle" | "sending" | "watching" | "done" | "refused";

const state = $state<{
  phase: Phase;
  pressed: number;
  ordered: number;
  told: number;
  trouble: string;
  poles: Pole[];
}>({ phase: "idle", pressed: 0, ordered: 0, told: 0, trouble: "", poles: [] });
let run = 0;

export const stopping = {
  get phase() {
    return state.phase;
  },
  get pressed() {
    return state.pressed;
  },
  /// When the office took the order, in ms by this phone.
  get ordered() {
    return state.ordered;
  },
  get trouble() {
    return state.trouble;
  },
  /// How many poles the order is for.
  get told() {
    return state.told;
  },
  get poles() {
    return state.poles;
  },
};

function scope(): string[] {
  const own = session.me?.user.area;
  if (own) return [`area.${own}`];
  const all = areas.value ?? [];
  return all.filter((area) => !area.parent || !all.some((a) => a.id === area.parent)).map((area) => area.channel);
}

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

/// In answer to the held button. Nothing is asked: silence first.
export async function stopAll(): Promise<void> {
  const mine = ++run;
  Object.assign(state, { phase: "sending", pressed: exactNow(), ordered: 0, told: 0, trouble: "", poles: [] });
  void look(mine);
  while (mine === run && state.phase === "sending") {
    try {
      if (scope().length === 0) await areas.refresh();
      const stopped = await api.post<Stopped>("/stop", { targets: scope() }, { timeoutMs: 5_000 });
      if (mine !== run) return;
      state.ordered = exactNow();
      state.told = stopped.speakers;
      state.trouble = "";
      state.phase = "watching";
    } catch (error) {
      if (mine !== run) return;
      state.trouble = words(error);
      if (error instanceof ApiError && !error.isTransient && !error.isExpired) {
        state.phase = "refused";
        return;
      }
      await pause(AGAIN_MS);
    }
  }
  await watch(mine);
}

async function look(mine: number): Promise<void> {
  try {
    const now = await api.get<NowView>("/now", { timeoutMs: 5_000 });
    if (mine === run) state.poles = falling(state.poles, now.speakers, exactNow(), state.ordered > 0);
  } catch {
    // The next look is soon.
  }
}

async function watch(mine: number): Promise<void> {
  const end = onLive(["speaker", "playout"], () => void look(mine));
  while (mine === run && state.phase === "watching" && exactNow() - state.ordered < WATCH_MS) {
    await look(mine);
    if (state.poles.length > 0 && state.poles.every((pole) => pole.state !== "sounding")) {
      // One more look: a pole may just be about to begin.
      if (exactNow() - state.ordered > 4_000) break;
    }
    await pause(LOOK_MS);
  }
  end();
  if (mine === run && state.phase === "watching") state.phase = "done";
}

/// Stop trying to reach the office.
export function giveUp(): void {
  run += 1;
  state.phase = "idle";
}

export type { NowSpeaker };
