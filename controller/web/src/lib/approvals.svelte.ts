/// What waits for this person's word, and what came back to its maker: for the badge, and for the screen.
import { api } from "../api/client";
import type { Bulletins, BulletinView } from "../api/types";
import { Resource } from "./cache.svelte";
import { onLive } from "./live";
import { whenBack } from "./net.svelte";
import { session, whenSignedIn } from "./session.svelte";

/// A page is enough for a badge: "99+" says the rest.
const MOST = 100;
const waiting = new Resource<Bulletins>("approvals", () =>
  api.get("/bulletins", { query: { state: "awaiting", limit: MOST } }),
);
const returned = new Resource<Bulletins>("returned", () =>
  api.get("/bulletins", { query: { state: "returned", limit: MOST } }),
);
let started = false;

const decides = () => (session.me?.rights.approve ?? []).length > 0;
/// Somebody's key is wanted: this person's would count, and is not given yet.
const signs = (b: BulletinView) =>
  b.endorsement?.in_force === "passkey" && b.endorsement.mine.length > 0 && !b.endorsement.given.some((one) => one.user === session.me?.user.id);
const speaks = () => (session.me?.rights.speak ?? []).length > 0;
function look(): void {
  // Once it was looked at, it is kept fresh for the maker too.
  if (decides() || waiting.at > 0) waiting.touch();
  if (speaks()) returned.touch();
}

/// Once somebody is signed in; again does nothing.
export function startApprovals(): void {
  if (started) return;
  started = true;
  if (decides()) void waiting.begin();
  if (speaks()) void returned.begin();
  whenBack(look);
  whenSignedIn(look);
  onLive(["bulletin"], look);
}

export const approvals = {
  signs,
  get waiting() {
    return waiting;
  },
  get returned() {
    return returned;
  },
  /// The own ones that somebody sent back.
  get own(): BulletinView[] {
    return (returned.value?.bulletins ?? []).filter((b) => b.made_by === session.me?.user.id);
  },
  /// Those that this person may decide on, and those to mend.
  get count(): number {
    const mine = decides() ? (waiting.value?.bulletins ?? []).filter((b) => b.may.approve || signs(b)) : [];
    return mine.length + (speaks() ? this.own.length : 0);
  },
};
