/// Who is offered to speak live. Pure.
import type { AreaView, MeView } from "../api/types";
import { below } from "./reach";

/// Is there a place to which this person may speak without asking anybody? (The office has the last word.)
export function maySpeakLive(me: MeView | null, areas: AreaView[]): boolean {
  if (!me || me.rights.speak.length === 0) return false;
  // Not known yet: the office will tell.
  if (areas.length === 0) return true;
  const own = me.user.area;
  const inside = own === null ? null : below(areas, own);
  return areas.some((area) => {
    if (inside && !inside.has(area.id)) return false;
    if (area.approval_in_force === "none") return true;
    if (area.approval_in_force === "hamlets") return me.user.role !== "hamlet_head";
    return me.rights.approve.includes("anyone");
  });
}
