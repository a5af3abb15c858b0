/// Where the last answer did not come in time, nobody may ask again by himself: the events' line may stand all the while.
import { api } from "$/api/client";
import { hasNetwork } from "$/lib/net.svelte";

/// Somebody stands there and wants to talk.
const KNOCK_MS = 5_000;

/// Asks now and then whether the office is back; every answer says so to the whole app. Returns what ends it.
export function knocking(): () => void {
  let asking = false;
  const timer = setInterval(() => {
    if (asking || !hasNetwork() || document.visibilityState === "hidden") return;
    asking = true;
    const asked = api.get("/app", { open: true, timeoutMs: KNOCK_MS }).catch(() => {});
    void asked.then(() => {
      asking = false;
    });
  }, KNOCK_MS);
  return () => clearInterval(timer);
}
