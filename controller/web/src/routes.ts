/// The screens and their addresses. Announce is here from the start; the others come when they are opened.
import Announce from "./screens/Announce.svelte";
import type { Route } from "./lib/router.svelte";
import { screens } from "./routes.screens";

export const routes: Route[] = [
  { path: "/", tab: "announce", load: async () => ({ default: Announce }) },
  { path: "/record", tab: "announce", load: () => import("./screens/Record.svelte") },
  { path: "/text", tab: "announce", load: () => import("./screens/Text.svelte") },
  { path: "/library/pick", tab: "announce", load: () => import("./screens/LibraryPick.svelte") },
  { path: "/compose", tab: "announce", load: () => import("./screens/Compose.svelte") },
  { path: "/sent/:id", tab: "announce", load: () => import("./screens/Sent.svelte") },
  { path: "/outbox", tab: "announce", load: () => import("./screens/Outbox.svelte") },
  { path: "/stop", tab: "announce", load: () => import("./screens/Stop.svelte") },
  { path: "/more", tab: "more", load: () => import("./screens/More.svelte") },
  ...screens,
];
