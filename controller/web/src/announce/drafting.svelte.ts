/// The one announcement in the making: in memory for the screens, on the disk for tomorrow.
import { api, newKey } from "../api/client";
import type { AudioView, BulletinView, TemplateView } from "../api/types";
import { today } from "../lib/civil";
import { exactNow } from "../lib/clock.svelte";
import { db } from "../lib/db";
import { areas, groups, speakers } from "../lib/places.svelte";
import { session } from "../lib/session.svelte";
import { type Draft, newDraft, type Target, type What } from "./draft";
import { isHamlet } from "./reach";
import { dropRecording } from "./recordings";
import { choiceOf } from "./when";

/// `owner`: whose it is. Several people may share a phone; nobody is offered another's half-said words.
const state = $state<{ draft: Draft | null; owner: string | null }>({ draft: null, owner: null });
const me = () => session.me?.user.id ?? "";
const key = () => `draft/${me()}`;

export const drafting = {
  get draft() {
    return state.owner === me() ? state.draft : null;
  },
};

export async function loadDraft(): Promise<void> {
  const who = me();
  if (state.owner === who) return;
  const kept = await db.get<Draft>("kv", key()).catch(() => undefined);
  // Meanwhile somebody may have begun one.
  if ((state.owner as string | null) === who || me() !== who) return;
  state.draft = kept ?? null;
  state.owner = who;
}
/// After every change.
export async function keepDraft(): Promise<void> {
  if (drafting.draft) await db.put("kv", $state.snapshot(drafting.draft), key()).catch(() => {});
}

/// A head's own hamlet is chosen already. Who has more than a hamlet chooses: a whole commune is no slip of the thumb.
export function ownTargets(): Target[] {
  const own = session.me?.user.area;
  const area = areas.value?.find((one) => one.id === own);
  return area && isHamlet(areas.value ?? [], area.id) ? [{ channel: area.channel, name: area.name }] : [];
}

/// Begins, or goes on with another content.
export function say(what: What, durationS: number | null): Draft {
  const before = drafting.draft;
  const draft = before ?? newDraft(newKey(), today(exactNow(), session.zone), ownTargets());
  if (before?.what?.kind === "sound" && (what.kind !== "sound" || what.recording !== before.what.recording))
    void dropRecording(before.what.recording);
  draft.what = what;
  draft.durationS = durationS;
  takeDraft(draft);
  return draft;
}
export function takeDraft(draft: Draft): void {
  state.draft = draft;
  state.owner = me();
  void keepDraft();
}

/// It was sent (its sound goes on with the outbox), or it is thrown away with its sound.
export async function endDraft(isThrownAway: boolean): Promise<void> {
  const draft = drafting.draft;
  state.draft = null;
  await db.delete("kv", key()).catch(() => {});
  if (isThrownAway && draft?.what?.kind === "sound") await dropRecording(draft.what.recording).catch(() => {});
}

export function nameOf(channel: string): string {
  const all = [...(areas.value ?? []), ...(groups.value ?? []), ...(speakers.value ?? [])];
  return all.find((one) => one.channel === channel)?.name ?? channel;
}

function fresh(): Draft {
  return newDraft(newKey(), today(exactNow(), session.zone), ownTargets());
}

/// What a bulletin says; `null` for a live call without a recording.
function whatOf(b: BulletinView): What | null {
  if (b.audio) return { kind: "kept", audio: b.audio, name: b.title };
  const relay = b.stream?.relay;
  if (!relay) return null;
  return { kind: "relay", url: relay.url, windowS: relay.duration_s, fallback: relay.fallback, byPoles: relay.by_poles, name: b.title };
}

/// The same again: content, places and choices of a bulletin; the time is chosen anew unless it repeats.
export async function copyBulletin(id: string): Promise<void> {
  const b = await api.get<BulletinView>(`/bulletins/${encodeURIComponent(id)}`);
  const draft = fresh();
  const choice = choiceOf(b.when as { at?: string }, b.skip_holidays, draft.when, draft.when.date);
  takeDraft({
    ...draft,
    what: whatOf(b),
    durationS: b.stream?.relay?.duration_s ?? b.duration_s,
    title: b.title,
    targets: b.targets.map((channel, i) => ({ channel, name: b.target_names[i] ?? nameOf(channel) })),
    when: choice ?? draft.when,
    priority: b.priority,
    status: b.status,
    times: b.repeat.times,
    everyS: b.repeat.every_s,
    volume: b.volume,
  });
}

export async function useTemplate(template: TemplateView): Promise<"/text" | "/compose"> {
  const draft = fresh();
  const audio = template.audio ? await api.get<AudioView>(`/audio/${encodeURIComponent(template.audio)}`) : null;
  const what: What | null = audio
    ? { kind: "kept", audio: audio.id, name: template.title }
    : template.text
      ? { kind: "speech", text: template.text, voice: template.voice ?? "", speed: template.speed ?? 1, audio: null }
      : null;
  takeDraft({
    ...draft,
    what,
    durationS: audio?.duration_s ?? null,
    title: template.title,
    targets: template.targets?.length
      ? template.targets.map((channel) => ({ channel, name: nameOf(channel) }))
      : draft.targets,
    priority: template.priority,
    status: template.status,
    volume: template.volume ?? 100,
    chime: template.chime ?? "auto",
  });
  // A text is looked over (its date, its hour) before it is said again.
  return audio ? "/compose" : "/text";
}

export async function useAudio(id: string): Promise<void> {
  const audio = await api.get<AudioView>(`/audio/${encodeURIComponent(id)}`);
  say({ kind: "kept", audio: audio.id, name: audio.title }, audio.duration_s);
}
