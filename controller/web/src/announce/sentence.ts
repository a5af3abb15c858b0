/// The one sentence before sending: "Bản Chương (3 loa), 05:30 sáng mai, dài 42 giây." Pure.
import type { BulletinBody } from "../api/types";
import { type CivilDate, civil, clockOf, dateOf } from "../lib/civil";
import { duration, type Say, shortDate } from "../lib/words";
import type { Draft } from "./draft";
import { type Planned, sayWhen } from "./when";

/// Two names are said; of more, the first and how many others.
export function sayWhere(t: Say, names: string[]): string {
  const [first = "", second] = names;
  if (names.length <= 1) return first;
  if (names.length === 2 && second) return t("sentence.two", { first, second });
  return t("sentence.more", { first, n: names.length - 1 });
}

export interface Said {
  names: string[];
  speakers: number;
  durationS: number | null;
  when: string;
  times?: number;
}
export function sentence(t: Say, said: Said): string {
  const once = one(t, said);
  return (said.times ?? 1) > 1 ? `${once} ${t("sentence.repeat", { n: said.times ?? 1 })}` : once;
}
function one(t: Say, said: Said): string {
  const base = { where: sayWhere(t, said.names), speakers: t("speakers_n", { n: said.speakers }), when: said.when };
  if (said.durationS === null) return t("sentence.unknown_length", base);
  return t("sentence", { ...base, duration: duration(t, said.durationS) });
}

const TITLE = 60;
/// The name that nobody typed: the beginning of the text, or place and time.
export function titleOf(t: Say, draft: Draft, nowMs: number, zone: string): string {
  const typed = draft.title.trim();
  if (typed) return typed;
  if (draft.what?.kind === "speech") {
    const text = draft.what.text.trim().replace(/\s+/g, " ");
    if (text.length <= TITLE) return text;
    const cut = text.slice(0, TITLE);
    return `${cut.slice(0, Math.max(cut.lastIndexOf(" "), 20))}…`;
  }
  if (draft.what?.kind === "kept" || draft.what?.kind === "relay") return draft.what.name;
  const c = civil(nowMs, zone);
  const date: CivilDate = dateOf(c);
  const place = draft.targets[0]?.name ?? "";
  return t("compose.name.default", { place, when: `${clockOf(c)} ${shortDate(date, date)}` }).replace(/\s+/g, " ");
}

/// What the office is asked, all but the audio.
export function bodyOf(t: Say, draft: Draft, planned: Planned & { ok: true }, nowMs: number, zone: string): Omit<BulletinBody, "audio"> {
  const body: Omit<BulletinBody, "audio"> = {
    title: titleOf(t, draft, nowMs, zone),
    priority: draft.priority,
    status: draft.status,
    targets: draft.targets.map((target) => target.channel),
    when: planned.body,
  };
  if (draft.what?.kind === "relay") {
    const { url, windowS, fallback, byPoles } = draft.what;
    body.relay = { url, duration_s: windowS, ...(fallback && { fallback }), ...(byPoles && { by_poles: true }) };
  }
  if (planned.skipHolidays) body.skip_holidays = true;
  if (draft.times > 1) body.repeat = { times: draft.times, every_s: draft.everyS };
  if (draft.volume !== 100) body.volume = draft.volume;
  if (draft.chime !== "auto") body.chime = draft.chime;
  if (draft.latenessS !== null) body.lateness_s = draft.latenessS;
  return body;
}

export { sayWhen };
