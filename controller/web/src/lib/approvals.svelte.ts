/// How many bulletins wait for this person's word: for the badge, and for the screen.
import { api } from "../api/client";
import type { Bulletins } from "../api/types";
import { Resource } from "./cache.svelte";
import { onLive } from "./live";
import { whenBack } from "./net.svelte";
import { session, whenSignedIn } from "./session.svelte";

/// A page is enough for a badge: "99+" says the rest.
const MOST = 100;
const waiting = new Resource<Bulletins>("approvals", () =>
  api.get("/bulletins", { query: { state: "awaiting", limit: MOST } }),
);
let started = false;

const decides = () => (session.me?.rights.approve ?? []).length > 0;
function look(): void {
  if (decides()) waiting.touch();
}

/// Once somebody is signed in; again does nothing.
export function startApprovals(): void {
  if (started) return;
  started = true;
  if (decides()) void waiting.begin();
  whenBack(look);
  whenSignedIn(look);
  onLive(["bulletin"], look);
}

export const approvals = {
  get waiting() {
    return waiting;
  },
  /// Those that this person may decide on.
  get count(): number {
    if (!decides()) return 0;
    return (waiting.value?.bulletins ?? []).filter((b) => b.may.approve).length;
  },
};
