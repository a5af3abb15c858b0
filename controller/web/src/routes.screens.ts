/// The screens that look at and arrange things, and their lines under "Thêm".
import type { Rights } from "./api/types";
import type { IconName } from "./components/icons";
import { alerts } from "./lib/alerts.svelte";
import { approvals } from "./lib/approvals.svelte";
import type { Key } from "./lib/i18n/index.svelte";
import type { Route } from "./lib/router.svelte";
import { session } from "./lib/session.svelte";

export const speaks = (rights: Rights) => rights.speak.length > 0;
/// Who neither speaks nor decides comes to see how the speakers are.
export const watches = (rights: Rights) => rights.speak.length === 0 && rights.approve.length === 0;

/// Keys and the log concern every pole: they are for who governs all of them.
const governsAll = (rights: Rights) => rights.govern && session.me?.user.area === null;

export const screens: Route[] = [
  { path: "/today", tab: "today", load: () => import("./screens/Today.svelte") },
  { path: "/week", tab: "today", load: () => import("./screens/Week.svelte") },
  { path: "/bulletin/:id", tab: "today", load: () => import("./screens/Bulletin.svelte") },
  { path: "/board", tab: "speakers", load: () => import("./screens/Board.svelte") },
  { path: "/board/:area", tab: "speakers", load: () => import("./screens/Board.svelte") },
  { path: "/speakers", tab: "speakers", load: () => import("./screens/Speakers.svelte") },
  { path: "/speakers/new", tab: "speakers", when: (r) => r.build, load: () => import("./screens/NewSpeaker.svelte") },
  { path: "/speaker/:id", tab: "speakers", load: () => import("./screens/Speaker.svelte") },
  { path: "/map", tab: "speakers", load: () => import("./screens/MapScreen.svelte") },
  { path: "/approvals", tab: "more", load: () => import("./screens/Approvals.svelte") },
  { path: "/alerts", tab: "more", load: () => import("./screens/Alerts.svelte") },
  { path: "/alerts/rules", tab: "more", when: (r) => r.arrange, load: () => import("./screens/AlertRules.svelte") },
  { path: "/repairs", tab: "more", load: () => import("./screens/Repairs.svelte") },
  { path: "/reports", tab: "more", load: () => import("./screens/MonthReport.svelte") },
  { path: "/reports/days", tab: "more", load: () => import("./screens/DayReport.svelte") },
  { path: "/schedules", tab: "more", load: () => import("./screens/Schedules.svelte") },
  { path: "/calls", tab: "more", load: () => import("./screens/Calls.svelte") },
  { path: "/call/:id", tab: "more", load: () => import("./screens/Call.svelte") },
  { path: "/holidays", tab: "more", load: () => import("./screens/Holidays.svelte") },
  { path: "/library", tab: "more", load: () => import("./screens/Library.svelte") },
  { path: "/templates", tab: "more", load: () => import("./screens/Templates.svelte") },
  { path: "/areas", tab: "more", load: () => import("./screens/Areas.svelte") },
  { path: "/groups", tab: "more", load: () => import("./screens/Groups.svelte") },
  { path: "/people", tab: "more", when: (r) => r.govern, load: () => import("./screens/People.svelte") },
  { path: "/security", tab: "more", load: () => import("./screens/Security.svelte") },
  { path: "/trust", tab: "more", when: governsAll, load: () => import("./screens/Trust.svelte") },
  { path: "/audit", tab: "more", when: governsAll, load: () => import("./screens/Audit.svelte") },
];

export interface Entry {
  href: string;
  icon: IconName;
  label: Key;
  note?: Key;
  /// Shown to whom it is of use.
  when?: (rights: Rights) => boolean;
  /// How many things wait there.
  count?: () => number;
  testid?: string;
}

export const entries: Entry[] = [
  // Also for who decides nothing: what was sent back to its maker is there.
  { href: "#/approvals", icon: "check", label: "menu.approvals", note: "menu.approvals.what", when: (r) => speaks(r) || r.approve.length > 0, count: () => approvals.count, testid: "more-approvals" },
  { href: "#/board", icon: "online", label: "menu.board", note: "menu.board.what", testid: "more-board" },
  { href: "#/week", icon: "today", label: "menu.week", testid: "more-week" },
  { href: "#/alerts", icon: "warn", label: "menu.alerts", note: "menu.alerts.what", count: () => alerts.count, testid: "more-alerts" },
  { href: "#/repairs", icon: "tools", label: "menu.repairs", note: "menu.repairs.what", testid: "more-repairs" },
  { href: "#/reports", icon: "file", label: "menu.reports", note: "menu.reports.what", testid: "more-reports" },
  { href: "#/schedules", icon: "repeat", label: "menu.schedules", note: "menu.schedules.what", testid: "more-schedules" },
  { href: "#/calls", icon: "live", label: "menu.calls", note: "menu.calls.what", testid: "more-calls" },
  { href: "#/library", icon: "library", label: "menu.library", when: speaks, testid: "more-library" },
  { href: "#/templates", icon: "file", label: "menu.templates", when: speaks, testid: "more-templates" },
  { href: "#/map", icon: "map", label: "menu.map", testid: "more-map" },
  { href: "#/groups", icon: "group", label: "menu.groups", testid: "more-groups" },
  { href: "#/areas", icon: "tree", label: "menu.areas", note: "menu.areas.what", testid: "more-areas" },
  { href: "#/holidays", icon: "sun", label: "menu.holidays", when: (r) => r.arrange, testid: "more-holidays" },
  { href: "#/people", icon: "people", label: "menu.people", note: "menu.people.what", when: (r) => r.govern, testid: "more-people" },
  { href: "#/security", icon: "lock", label: "menu.security", note: "menu.security.what", testid: "more-security" },
  { href: "#/trust", icon: "shield", label: "menu.trust", note: "menu.trust.what", when: governsAll, testid: "more-trust" },
  { href: "#/audit", icon: "history", label: "menu.audit", note: "menu.audit.what", when: governsAll, testid: "more-audit" },
];
