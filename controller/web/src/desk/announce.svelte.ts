/// From the desk to the announcement: to these places. What is being made already keeps its content.
import { newDraft, type Target } from "$/announce/draft";
import { drafting, loadDraft, nameOf, takeDraft } from "$/announce/drafting.svelte";
import { newKey } from "$/api/client";
import { today } from "$/lib/civil";
import { exactNow } from "$/lib/clock.svelte";
import { go } from "$/lib/router.svelte";
import { session } from "$/lib/session.svelte";

export async function announceTo(channels: string[]): Promise<void> {
  await loadDraft();
  const targets: Target[] = channels.map((channel) => ({ channel, name: nameOf(channel) }));
  const draft = drafting.draft ?? newDraft(newKey(), today(exactNow(), session.zone), []);
  takeDraft({ ...draft, targets });
  go(draft.what ? "/compose" : "/");
}
