/// One plain sentence of a bulletin: what, to whom, when. The same wherever it is shown.
import type { Ask, BulletinView, WhenView } from "$/api/types";
import { instantOf, today } from "$/lib/civil";
import { list, type Values } from "$/lib/i18n/fill";
import { civilMoment, duration, moment, type Say, shortDate, timeOfDay } from "$/lib/words";
import { readRule, weekdayNumber } from "./rule";

/// What the sentences are made with: both dictionaries, the language, the zone and the time.
export interface Tongue {
  t: Say;
  d: (key: string, values?: Values) => string;
  language: string;
  zone: string;
  now: number;
}

/// "Bản Chương, Nà Lay và 3 nơi khác".
export function places(tongue: Tongue, names: string[], most = 3): string {
  return some(tongue, "places.more", names, most);
}
/// "Loa 1, Loa 2 và 5 loa khác".
export function speakerNames(tongue: Tongue, names: string[], most = 3): string {
  return some(tongue, "speakers.more", names, most);
}
function some(tongue: Tongue, more: string, names: string[], most: number): string {
  if (names.length <= most) return list(names, tongue.language);
  return tongue.d(more, { names: names.slice(0, most).join(", "), n: names.length - most });
}

/// "05:30 sáng hằng ngày", "17:00 chiều thứ hai và thứ sáu, đến 1/1/2027".
export function whenWords(tongue: Tongue, when: WhenView, isWaiting = false): string {
  const { t, d, now, zone } = tongue;
  // What is for now goes on air when somebody approves it.
  if (when.now !== undefined && isWaiting) return d("when.on_approval");
  if (when.now !== undefined) return d("when.now", { moment: moment(t, Date.parse(when.now), now, zone) });
  if (when.at !== undefined) return civilMoment(t, when.at, now, zone);
  if (when.rrule === undefined || when.start === undefined) return "";
  return ruleWords(tongue, when.rrule, when.start);
}

export function ruleWords(tongue: Tongue, rrule: string, start: string): string {
  const { t, d, language, now, zone } = tongue;
  const rule = readRule(rrule);
  const time = timeOfDay(t, start.slice(11, 16));
  if (rule.every === "other") return d("rule.other", { time, rule: rule.text });
  let text: string;
  if (rule.every === "day") text = d("rule.day", { time, n: rule.interval });
  else if (rule.every === "week") {
    const names = rule.days.map((day) => t(`weekday.${weekdayNumber(day)}` as Parameters<Say>[0]));
    text = d("rule.week", { time, n: rule.interval, days: list(names, language) });
  } else text = d("rule.month", { time, n: rule.interval, dates: list(rule.dates.map(String), language) });
  if (rule.interval > 1) text = `${text} (${d(`rule.every_${rule.every}`, { n: rule.interval })})`;
  if (rule.until) text = `${text}, ${d("rule.until", { date: shortDate(rule.until, today(now, zone)) })}`;
  if (rule.times !== null) text = `${text}, ${d("rule.times", { n: rule.times })}`;
  const first = instantOf(start, zone);
  if (first > now) text = `${text}, ${d("rule.from", { date: shortDate(start.slice(0, 10), today(now, zone)) })}`;
  return text;
}

/// "Bản tin thông thường dài 42 giây, tới Bản Chương (4 loa), 19:00 tối nay."
export function sentence(tongue: Tongue, b: BulletinView): string {
  const { t, d } = tongue;
  const values = {
    kind: d(`kind.${b.priority}`),
    length: duration(t, b.duration_s),
    places: places(tongue, b.target_names),
    n: b.speakers,
    when: whenWords(tongue, b.when, b.state === "awaiting" || b.state === "returned"),
  };
  const status = b.status === "actual" ? "" : `${d(`kind.${b.status}`)} `;
  return status + d(b.repeat.times > 1 ? "sentence.repeat" : "sentence", { ...values, times: b.repeat.times });
}

/// Who else has to agree, in words.
export function askWords(tongue: Tongue, ask: Ask): string {
  return tongue.d(`ask.${ask}`);
}
