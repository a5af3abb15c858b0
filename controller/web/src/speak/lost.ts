/// A call that the office made though its answer never came here. Pure.
import type { CallView } from "$/api/types";
import type { Wish } from "./calling.svelte";

/// Is it what this person wished for: on, for the same targets, and not a word spoken in it?
export function mayBe(call: CallView, wish: Wish, user: string): boolean {
  const isSilent = call.state !== "ended" && call.began === null;
  const targets = new Set(wish.targets);
  const isThere = call.targets.length === targets.size && call.targets.every((one) => targets.has(one));
  return isSilent && isThere && call.by?.id === user && call.priority === wish.priority && call.status === wish.status;
}
