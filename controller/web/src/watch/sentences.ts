/// Sentences about a speaker: how each of the four facts stands, since when and why, and what may be done. Pure.
import type { Values } from "$/lib/i18n/fill";
import { today } from "$/lib/civil";
import { ago, duration, moment, type Say, shortDate } from "$/lib/words";
import { valueWords } from "./plot";
import type { Gone } from "./timeline";
import type { BoardCounts, BoardSpeaker, Fact, FactName, Facts, FaultView, RunView, SelfTestView, Share, TelemetryView, Watch } from "./types";

/// What the sentences are made with: both dictionaries, the language, the zone and the time.
export interface Tongue {
  t: Say;
  w: (key: string, values?: Values) => string;
  language: string;
  zone: string;
  now: number;
}

export const FACTS: FactName[] = ["powered", "connected", "healthy", "audible"];
/// Of several that fail, the one from which the others may follow is said first.
const FIRST: FactName[] = ["connected", "powered", "audible", "healthy"];

/// Well, but: it is so, and somebody should know why. (That it was heard is no "but".)
export function isBut(fact: Fact): boolean {
  return fact.state === "yes" && fact.why !== null && fact.why !== "heard";
}

/// "có điện", "chạy ắc quy", "mất điện", "điện: chưa rõ".
export function factWord(tongue: Tongue, name: FactName, fact: Fact): string {
  const plain = `fact.${name}.${fact.state}`;
  return (isBut(fact) && known(tongue, `${plain}.${fact.why}`)) || tongue.w(plain);
}

/// "05:12 sáng nay (3 giờ trước)".
export function sinceWords(tongue: Tongue, since: string): string {
  const at = Date.parse(since);
  return tongue.w("since", { moment: moment(tongue.t, at, tongue.now, tongue.zone), ago: ago(tongue.t, at, tongue.now) });
}

/// Why it stands so; a code that this app does not know yet is shown as it came rather than hidden.
function whyWords(tongue: Tongue, name: FactName, fact: Fact): string {
  if (fact.why === null) return tongue.w(`fact.${name}.${fact.state}.plain`);
  return known(tongue, `why.${name}.${fact.why}`) ?? `${tongue.w(`fact.${name}.${fact.state}.plain`)} (${fact.why})`;
}

/// "Mất điện lưới, từ 05:12 sáng nay (3 giờ trước)."
export function factSentence(tongue: Tongue, name: FactName, fact: Fact): string {
  const why = whyWords(tongue, name, fact);
  // What nobody knows has no beginning.
  if (fact.since === null || fact.state === "unknown") return tongue.w("sentence", { why });
  return tongue.w("sentence.since", { why, since: sinceWords(tongue, fact.since) });
}

/// The fact that somebody should look at first; `null` when none fails, nor is well with a "but".
export function firstTrouble(facts: Facts): FactName | null {
  return FIRST.find((name) => facts[name].state === "no") ?? FIRST.find((name) => isBut(facts[name])) ?? null;
}

/// One sentence of a speaker: its first trouble, or that there is none, and whether anybody could tell.
export function speakerSentence(tongue: Tongue, s: Pick<BoardSpeaker, "facts" | "cause" | "since">): string {
  const name = firstTrouble(s.facts);
  if (name === "connected") {
    const { connected } = s.facts;
    // The outage may know the cause while the fact only knows the silence.
    const why = s.cause && s.cause !== "unknown" ? s.cause : connected.why;
    return factSentence(tongue, "connected", { ...connected, why, since: connected.since ?? s.since });
  }
  if (name) return factSentence(tongue, name, s.facts[name]);
  const { connected, audible } = s.facts;
  if (connected.state === "unknown") return factSentence(tongue, "connected", connected);
  return audible.state === "yes" ? tongue.w("well.heard") : tongue.w("well.unheard");
}

/// What a person may do about it; empty where we know nothing better than to wait.
export function advice(tongue: Tongue, facts: Facts): string {
  const name = firstTrouble(facts);
  const why = name && facts[name].why;
  return (why && known(tongue, `do.${name}.${why}`)) || "";
}

/// "Hôm nay đã phát 38 trên 40 lần (95 %)". Where nothing was due there is no figure, and it says so.
export function todayWords(tongue: Tongue, share: Share): string {
  if (share.of === 0) return tongue.w("areas.today.none");
  return tongue.w("areas.today", { good: share.good, of: share.of, percent: percent(share) });
}
/// Never rounded to what it is not: 100 only when all, 0 only when none.
export function percent({ of, good }: Share): number {
  if (of === 0 || good === 0) return 0;
  if (good >= of) return 100;
  return Math.min(99, Math.max(1, Math.round((good / of) * 100)));
}

/// The board in one line: "120 loa: 112 có kết nối, 3 im lặng, 5 mất kết nối, 1 tắt tiếng."
export function totals(tongue: Tongue, counts: BoardCounts): string {
  const parts = (["online", "silent", "offline", "muted", "not_heard"] as const)
    .filter((key) => counts[key] > 0)
    .map((key) => tongue.w(`total.${key}`, { n: counts[key] }));
  return tongue.w("total", { n: counts.speakers, parts: parts.join(", ") });
}
/// The first thing to know: how many need somebody, or that none does. What is only to be kept an eye on is not called well.
export function headline(tongue: Tongue, counts: BoardCounts, notices: number): string {
  if (counts.trouble > 0) return tongue.w("board.trouble", { n: counts.trouble, of: counts.speakers });
  return notices > 0 ? tongue.w("board.notices", { n: notices }) : tongue.w("board.well", { n: counts.speakers });
}
/// Whether the board can know that anything was heard at all.
export function earsWords(tongue: Tongue, counts: BoardCounts): string {
  if (counts.microphones === 0) return tongue.w("ears.none");
  if (counts.microphones >= counts.speakers) return tongue.w("ears.all");
  return tongue.w("ears.some", { n: counts.microphones, of: counts.speakers });
}

/// What a code stands for; `null` for one that this app does not know.
function known(tongue: Tongue, key: string, values?: Values): string | null {
  const said = tongue.w(key, values);
  return said === key ? null : said;
}

/// "mất kết nối 2 lần, tổng cộng 1 giờ 3 phút, lâu nhất 42 phút."
export function goneWords(tongue: Tongue, sum: Gone): string {
  if (sum.times === 0) return tongue.w("timeline.never_gone");
  return tongue.w("timeline.gone", { n: sum.times, total: lasting(tongue, sum.seconds), longest: lasting(tongue, sum.longest_s) });
}

/// "hằng ngày, độ rõ 24, tiếng đến micro sau 180 ms".
export function testNotes(tongue: Tongue, test: SelfTestView): string {
  const number = new Intl.NumberFormat(tongue.language, { maximumFractionDigits: 1 });
  const notes = [tongue.w(test.asked ? "tests.asked" : "tests.daily")];
  if (test.clarity !== null) notes.push(tongue.w("tests.clarity", { n: number.format(test.clarity) }));
  if (test.delay_ms !== null) notes.push(tongue.w("tests.delay", { ms: number.format(test.delay_ms) }));
  if (test.trouble !== null) notes.push(test.trouble);
  return notes.join(", ");
}

export function faultWords(tongue: Tongue, fault: FaultView): string {
  return known(tongue, `fault.${fault.code}`, { detail: fault.detail }) ?? tongue.w("fault", { code: fault.code, detail: fault.detail });
}

/// "Chạy lại sau khi mất điện hoặc máy treo (lần thứ 12, còn sống đến 02:10 sáng nay)."
export function runWords(tongue: Tongue, run: RunView): string {
  const what = (run.ended === null ? null : known(tongue, `run.${run.ended}`)) ?? tongue.w("run");
  const notes = [tongue.w("run.boot", { n: run.boot })];
  if (run.alive !== null) notes.push(tongue.w("run.alive", { moment: moment(tongue.t, Date.parse(run.alive), tongue.now, tongue.zone) }));
  return `${what} (${notes.join(", ")})`;
}

/// What the machine last told of itself; what it does not tell is not there.
export function machineLines(tongue: Tongue, m: TelemetryView, plan: Watch["plan"]): string[] {
  const { t, w, language, now, zone } = tongue;
  const mb = (n: number) => valueWords("mb", n, language);
  const lines: string[] = [];
  if (m.network) {
    const parts = [w(`machine.network.${m.network.kind}`)];
    if (m.network.operator) parts.push(w("machine.operator", { name: m.network.operator }));
    if (m.network.cell) parts.push(w("machine.cell", { cell: m.network.cell }));
    lines.push(parts.join(", "));
  }
  if (m.power && m.power.mains !== null) lines.push(w(m.power.mains ? "machine.mains.yes" : "machine.mains.no"));
  if (m.power && m.power.battery_percent !== null) lines.push(w("machine.battery", { percent: m.power.battery_percent }));
  if (m.machine_uptime_s !== null) lines.push(w("machine.uptime", { time: lasting(tongue, m.machine_uptime_s) }));
  if (m.starts_1h > 1) lines.push(w("machine.starts", { n: m.starts_1h }));
  if (m.volume !== null) lines.push(w("machine.volume", { percent: m.volume }));
  if (m.last_sound !== null) lines.push(w("machine.last_sound", { ago: ago(t, Date.parse(m.last_sound), now) }));
  lines.push(m.ear.trouble ? w("machine.ear.trouble", { trouble: m.ear.trouble }) : w(`machine.ear.${m.ear.kind}`));
  if (m.memory_free_mb !== null && m.memory_total_mb !== null) lines.push(w("machine.memory", { free: mb(m.memory_free_mb), total: mb(m.memory_total_mb) }));
  if (m.content_quota_mb > 0) lines.push(w("machine.content", { used: mb(m.content_mb), quota: mb(m.content_quota_mb) }));
  if (plan.ends !== null) lines.push(w("machine.plan_ends", { date: shortDate(plan.ends, today(now, zone)) }));
  return lines;
}

/// "3 giờ 12 phút", "2 ngày 4 giờ": for outages, which may last long.
export function lasting(tongue: Tongue, seconds: number): string {
  const hours = Math.floor(seconds / 3600);
  if (hours < 48) return duration(tongue.t, seconds < 3600 ? seconds : Math.floor(seconds / 60) * 60);
  const days = Math.floor(hours / 24);
  return tongue.w(hours % 24 ? "days_h" : "days", { d: days, h: hours % 24 });
}
