/// Where an emergency stands that approvers' keys must sign. Pure: time and person are given.
import type { BulletinView } from "$/api/types";

/// `sign`: this person can, now. `signed`: he has. `others`: others must. `unnamed`: he may approve, but has no key that counts.
export type Turn = "sign" | "signed" | "others" | "unnamed" | "late";

export function turnOf(b: BulletinView, user: string, nowMs: number): Turn | null {
  const e = b.endorsement;
  if (e?.in_force !== "passkey" || b.state !== "awaiting") return null;
  if (e.given.some((one) => one.user === user)) return "signed";
  if (e.until !== null && Date.parse(e.until) <= nowMs) return "late";
  if (e.mine.length > 0 && e.challenge !== null) return "sign";
  return b.may.approve ? "unnamed" : "others";
}
/// How many are still to come.
export function lacking(b: BulletinView): number {
  return Math.max(0, (b.endorsement?.needed ?? 0) - (b.endorsement?.given.length ?? 0));
}
