/// From the desk to the announcement: to these places. What is being made already keeps its content.
import { newDraft, type Target } from "$/announce/draft";
import { drafting, loadDraft, nameOf, takeDraft, useAudio } from "$/announce/drafting.svelte";
import { newKey } from "$/api/client";
import { today } from "$/lib/civil";
import { exactNow } from "$/lib/clock.svelte";
import { go } from "$/lib/router.svelte";
import { session } from "$/lib/session.svelte";
import type { CallView } from "$/api/types";

export async function announceTo(channels: string[]): Promise<void> {
  await loadDraft();
  const targets: Target[] = channels.map((channel) => ({ channel, name: nameOf(channel) }));
  const draft = drafting.draft ?? newDraft(newKey(), today(exactNow(), session.zone), []);
  takeDraft({ ...draft, targets });
  go(draft.what ? "/compose" : "/");
}

/// What somebody said live becomes a bulletin: the same sound to the same places, at another time.
export async function announceCall(call: CallView): Promise<void> {
  if (!call.audio) return;
  await useAudio(call.audio);
  const draft = drafting.draft;
  if (!draft) return;
  const targets: Target[] = call.targets.map((channel) => ({ channel, name: nameOf(channel) }));
  takeDraft({ ...draft, title: call.title, targets, priority: call.priority, status: call.status });
  go("/compose");
}
