/// Where the app begins.
import { mount } from "svelte";
import "./app.css";
import App from "./App.svelte";
import { loadLanguage } from "./lib/i18n/index.svelte";
import { wakeLive } from "./lib/live";
import { watchNetwork, whenBack } from "./lib/net.svelte";
import { watchPlace } from "./lib/router.svelte";
import { startSession } from "./lib/session.svelte";
import { registerWorker } from "./lib/update.svelte";
import { startOutbox } from "./outbox/outbox.svelte";

watchNetwork();
watchPlace();
whenBack(wakeLive);
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") wakeLive();
});
await loadLanguage();
void startSession();
const target = document.getElementById("app");
if (target) mount(App, { target });
void startOutbox();
registerWorker();
