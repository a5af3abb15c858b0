import { describe, expect, it } from "vitest";
import type { AreaView, MeView } from "../api/types";
import { maySpeakLive } from "./live";

const me = (role: string, area: string | null, more: object = {}) =>
  ({ user: { role, area }, rights: { speak: ["ordinary", "priority"], approve: [], ...more } }) as unknown as MeView;
const area = (id: string, parent: string | null, rule: string) => ({ id, parent, approval_in_force: rule }) as unknown as AreaView;

describe("speaking live is offered", () => {
  const free = [area("xa", null, "none"), area("ban", "xa", "none")];
  it("to who may speak without asking anybody", () => {
    expect(maySpeakLive(me("hamlet_head", "ban"), free)).toBe(true);
    expect(maySpeakLive(me("monitor", "xa", { speak: [] }), free)).toBe(false);
    expect(maySpeakLive(null, free)).toBe(false);
  });
  it("not to a hamlet head whose words are approved first; to the officer it is", () => {
    const asked = [area("xa", null, "hamlets"), area("ban", "xa", "hamlets")];
    expect(maySpeakLive(me("hamlet_head", "ban"), asked)).toBe(false);
    expect(maySpeakLive(me("officer", "xa"), asked)).toBe(true);
  });
  it("where everybody is approved, only to who approves there", () => {
    const asked = [area("xa", null, "everyone")];
    expect(maySpeakLive(me("officer", "xa"), asked)).toBe(false);
    expect(maySpeakLive(me("approver", "xa", { approve: ["anyone"] }), asked)).toBe(true);
  });
});
