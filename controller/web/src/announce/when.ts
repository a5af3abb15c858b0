/// From what one chose to what the office takes, and back into words. Pure: the time is given.
import type { WhenBody, WhenView } from "../api/types";
import { addDays, civilTime, type CivilDate, dateOf, instantOf, parseCivil, today, weekday } from "../lib/civil";
import type { Key } from "../lib/i18n/index.svelte";
import { civilMoment, dayWords, type Say, shortDate, timeOfDay, weekdayName } from "../lib/words";
import type { WhenChoice } from "./draft";

const BYDAY = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
/// The office takes no more exceptions than this.
export const MAX_EXCEPT = 60;

export type Planned = { ok: true; body: WhenBody; skipHolidays: boolean } | { ok: false; problem: Key };

const wrong = (problem: Key): Planned => ({ ok: false, problem });

/// What the office is asked, if it were sent at `nowMs`.
export function plan(choice: WhenChoice, nowMs: number, zone: string): Planned {
  if (choice.kind === "now") return { ok: true, body: { now: true }, skipHolidays: false };
  if (!/^\d{2}:\d{2}$/.test(choice.time)) return wrong("when.no_time");
  const date = today(nowMs, zone);
  const once = (on: CivilDate): Planned => {
    const at = `${on}T${choice.time}`;
    if (!(instantOf(at, zone) > nowMs)) return wrong("when.past");
    return { ok: true, body: { at }, skipHolidays: false };
  };
  if (choice.kind === "today") return once(date);
  if (choice.kind === "tomorrow") return once(addDays(date, 1));
  if (choice.kind === "date") return once(choice.date);
  return rule(choice, nowMs, zone, date);
}

function rule(choice: WhenChoice, nowMs: number, zone: string, date: CivilDate): Planned {
  const weekly = choice.kind === "weekly";
  if (weekly && choice.days.length === 0) return wrong("when.no_days");
  const days = weekly && choice.days.length < 7 ? [...choice.days].sort() : null;
  // The rule begins at its own first start that is still to come.
  let first = choice.from > date ? choice.from : date;
  if (!(instantOf(`${first}T${choice.time}`, zone) > nowMs)) first = addDays(first, 1);
  while (days && !days.includes(weekday(first))) first = addDays(first, 1);
  if (choice.until && choice.until < first) return wrong("when.until_before");
  const parts = days ? ["FREQ=WEEKLY", `BYDAY=${days.map((d) => BYDAY[d - 1]).join(",")}`] : ["FREQ=DAILY"];
  if (choice.until) parts.push(`UNTIL=${choice.until.replaceAll("-", "")}`);
  const body: WhenBody = { rrule: parts.join(";"), start: `${first}T${choice.time}` };
  const except = choice.except.filter((day) => day >= first && (!choice.until || day <= choice.until));
  if (except.length) body.except = except.sort();
  return { ok: true, body, skipHolidays: choice.skipHolidays };
}

/// The parts of a rule that this app makes.
function read(rrule: string): { days: number[] | null; until: CivilDate | null } | null {
  const part = new Map(rrule.split(";").map((p) => p.split("=") as [string, string]));
  const until = part.get("UNTIL");
  const date = until ? `${until.slice(0, 4)}-${until.slice(4, 6)}-${until.slice(6, 8)}` : null;
  const known = new Set(["FREQ", "BYDAY", "UNTIL"]);
  if ([...part.keys()].some((name) => !known.has(name))) return null;
  const byday = part.get("BYDAY");
  if (part.get("FREQ") === "DAILY" && !byday) return { days: null, until: date };
  if (part.get("FREQ") !== "WEEKLY" || !byday) return null;
  const days = byday.split(",").map((name) => BYDAY.indexOf(name) + 1);
  return days.includes(0) ? null : { days, until: date };
}

/// "05:30 sáng mai", "05:30 sáng mỗi ngày, đến hết thứ sáu 4/12, trừ 1/12".
export function sayWhen(t: Say, body: WhenBody, skipHolidays: boolean, nowMs: number, zone: string): string {
  if (body.at) return civilMoment(t, body.at, nowMs, zone);
  if (!body.rrule || !body.start) return t("when.say.now");
  const date = today(nowMs, zone);
  const rule = read(body.rrule);
  const time = timeOfDay(t, body.start.slice(11, 16));
  if (!rule) return `${time}, ${body.rrule}`;
  const said = rule.days
    ? t("when.say.weekly", { time, days: sayDays(t, rule.days) })
    : t("when.say.daily", { time });
  const parts = [said];
  const start = body.start.slice(0, 10);
  // From tomorrow or its first weekday goes without saying.
  if (start > addDays(date, 7) || (!rule.days && start > addDays(date, 1)))
    parts.push(t("when.say.from", { date: dayWords(t, start, date) }));
  if (rule.until) parts.push(t("when.say.until", { date: dayWords(t, rule.until, date) }));
  if (body.except?.length)
    parts.push(t("when.say.except", { dates: body.except.map((d) => shortDate(d.slice(0, 10), date)).join(", ") }));
  if (skipHolidays) parts.push(t("when.say.holidays"));
  return parts.join(", ");
}

function sayDays(t: Say, days: number[]): string {
  const names = days.map((d) => weekdayName(t, dayOf(d)));
  const last = names.pop() ?? "";
  return names.length === 0 ? last : t("sentence.two", { first: names.join(", "), second: last });
}

/// Some date with that weekday (5 January 1970 was a Monday).
function dayOf(day: number): CivilDate {
  return addDays("1970-01-04", day);
}

/// "Now" is meant for now: later than this it says something else.
export const NOW_HOLDS_MS = 15 * 60_000;

/// Nothing of it can be said as it was meant: it must not leave any more.
export function isPointless(body: WhenBody, madeMs: number, nowMs: number, zone: string): boolean {
  if (body.now) return nowMs - madeMs > NOW_HOLDS_MS;
  if (body.at) return !(instantOf(body.at, zone) > nowMs);
  const until = body.rrule ? read(body.rrule)?.until : null;
  if (!until || !body.start) return false;
  return !(instantOf(`${until}T${body.start.slice(11, 16)}`, zone) > nowMs);
}

/// The choice that a bulletin's plan was made from; `null` for a rule of another hand.
export function choiceOf(body: WhenBody | WhenView, skip: boolean, base: WhenChoice, date: CivilDate): WhenChoice | null {
  if (body.at) {
    const day = body.at.slice(0, 10);
    const kind = day === date ? "today" : day === addDays(date, 1) ? "tomorrow" : "date";
    return { ...base, kind, date: day < date ? date : day, time: body.at.slice(11, 16) };
  }
  if (!body.rrule || !body.start) return { ...base, kind: "now" };
  const rule = read(body.rrule);
  if (!rule) return null;
  const start = parseCivil(body.start);
  if (!start) return null;
  return {
    ...base,
    kind: rule.days ? "weekly" : "daily",
    time: body.start.slice(11, 16),
    days: rule.days ?? [],
    from: dateOf(start) > date ? dateOf(start) : "",
    until: rule.until ?? "",
    except: (body.except ?? []).map((d) => d.slice(0, 10)),
    skipHolidays: skip,
  };
}

/// The next quarter of an hour, for "today at": one needs a moment to finish.
export function soon(nowMs: number, zone: string): string {
  const quarter = 15 * 60_000;
  return civilTime(Math.ceil((nowMs + 5 * 60_000) / quarter) * quarter, zone).slice(11, 16);
}
