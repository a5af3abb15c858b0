/// How many alerts nobody has taken yet: for the badge.
import type { AlertCount } from "$/reports/types";
import { api } from "../api/client";
import { Resource } from "./cache.svelte";
import { onLive } from "./live";
import { whenBack } from "./net.svelte";
import { whenSignedIn } from "./session.svelte";

const counted = new Resource<AlertCount>("alerts/count", () => api.get("/alerts/count"));
let started = false;

/// Once somebody is signed in; again does nothing.
export function startAlerts(): void {
  if (started) return;
  started = true;
  const look = () => counted.touch();
  void counted.begin();
  whenBack(look);
  whenSignedIn(look);
  onLive(["alert"], look);
}

export const alerts = {
  get count(): number {
    return counted.value?.unacknowledged ?? 0;
  },
  get open(): number {
    return counted.value?.open ?? 0;
  },
  /// Somebody took one here.
  look(): void {
    counted.touch();
  },
};
