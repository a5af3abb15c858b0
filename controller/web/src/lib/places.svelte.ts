/// Areas, groups and speakers: what one speaks to. Kept on the phone, so that an announcement can be written without a line.
import { api } from "../api/client";
import type { Areas, AreaView, Groups, GroupView, Speakers, SpeakerView } from "../api/types";
import { Resource } from "./cache.svelte";
import { onLive } from "./live";
import { whenBack } from "./net.svelte";
import { whenSignedIn } from "./session.svelte";

export const areas = new Resource<AreaView[]>("areas", async () => (await api.get<Areas>("/areas")).areas);
export const groups = new Resource<GroupView[]>(
  "groups",
  async () => (await api.get<Groups>("/groups")).groups,
);
export const speakers = new Resource<SpeakerView[]>(
  "speakers",
  async () => (await api.get<Speakers>("/speakers")).speakers,
);

let started = false;
/// Once somebody is signed in.
export function startPlaces(): void {
  const all = [areas, groups, speakers];
  if (started) return;
  started = true;
  for (const one of all) void one.begin();
  whenBack(() => {
    for (const one of all) one.touch();
  });
  whenSignedIn(() => {
    for (const one of all) one.touch();
  });
  onLive(["speaker"], () => speakers.touch());
}
