/// The watch of one speaker, read now and again whenever something of it changes.
import { api } from "$/api/client";
import { resource, type Resource } from "$/lib/cache.svelte";
import { exactNow } from "$/lib/clock.svelte";
import { type Range, spanOf } from "./timeline";
import type { Watch } from "./types";

/// A fleet tells something all the time, and most of it is of other speakers.
const SETTLE_MS = 1_500;

/// In a component's script.
export function watchOf(speaker: string, range: Range): Resource<Watch> {
  const load = () => {
    const span = spanOf(range, exactNow());
    const query = { from: new Date(span.from).toISOString(), to: new Date(span.to).toISOString() };
    return api.get<Watch>(`/speakers/${encodeURIComponent(speaker)}/watch`, { query });
  };
  return resource(`watch/${speaker}/${range}`, load, ["speaker", "event", "alert"], SETTLE_MS);
}
