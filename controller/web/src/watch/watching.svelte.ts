/// The board and the watch of one speaker, read now and again whenever something of them changes. In a component's script.
import { api } from "$/api/client";
import { resource, type Resource } from "$/lib/cache.svelte";
import { exactNow } from "$/lib/clock.svelte";
import { type Range, spanOf } from "./timeline";
import type { Board, Watch } from "./types";

/// A fleet tells something all the time, and most of it is of other speakers.
const SETTLE_MS = 1_500;
/// A thousand speakers are half a megabyte, and in a province something changes every second: a larger board is read less often.
const BOARD_SETTLE_MS = 2_000;
const SETTLE_MS_PER_SPEAKER = 10;

/// Of an area and below; "": of everything in reach.
export function boardOf(area: string): Resource<Board> {
  const settle = () => BOARD_SETTLE_MS + SETTLE_MS_PER_SPEAKER * (board.value?.speakers.length ?? 0);
  const board: Resource<Board> = resource(`board/${area}`, () => api.get("/board", { query: { area } }), ["speaker", "playout", "alert"], settle);
  return board;
}

export function watchOf(speaker: string, range: Range): Resource<Watch> {
  const load = () => {
    const span = spanOf(range, exactNow());
    const query = { from: new Date(span.from).toISOString(), to: new Date(span.to).toISOString() };
    return api.get<Watch>(`/speakers/${encodeURIComponent(speaker)}/watch`, { query });
  };
  return resource(`watch/${speaker}/${range}`, load, ["speaker", "event", "alert"], () => SETTLE_MS);
}
