/// The screens and their addresses. What one speaks and stops with is here from the start, so that no line is needed to open
/// it; the others come when they are opened.
import type { Route, Screen } from "./lib/router.svelte";
import { screens, speaks } from "./routes.screens";
import Announce from "./screens/Announce.svelte";
import Compose from "./screens/Compose.svelte";
import Outbox from "./screens/Outbox.svelte";
import Record from "./screens/Record.svelte";
import Sent from "./screens/Sent.svelte";
import Stop from "./screens/Stop.svelte";
import Text from "./screens/Text.svelte";

const here = (screen: Screen): Route["load"] => {
  const loaded = { default: screen };
  return () => loaded;
};

export const routes: Route[] = [
  { path: "/", tab: "announce", load: here(Announce) },
  { path: "/record", tab: "announce", when: speaks, load: here(Record) },
  { path: "/speak", tab: "announce", when: speaks, load: () => import("./screens/Speak.svelte") },
  { path: "/relay", tab: "announce", when: speaks, load: () => import("./screens/Relay.svelte") },
  { path: "/text", tab: "announce", when: speaks, load: here(Text) },
  { path: "/library/pick", tab: "announce", load: () => import("./screens/LibraryPick.svelte") },
  { path: "/compose", tab: "announce", when: speaks, load: here(Compose) },
  { path: "/sent/:id", tab: "announce", load: here(Sent) },
  { path: "/outbox", tab: "announce", load: here(Outbox) },
  { path: "/stop", tab: "announce", load: here(Stop) },
  { path: "/more", tab: "more", load: () => import("./screens/More.svelte") },
  ...screens,
];
