/// A rule of alerts as one sentence, what a new one begins with, and what an address must look like. Pure.
import { list } from "$/lib/i18n/fill";
import { number, span, type Tongue } from "./tongue";
import type { Address, Rule, RuleBody, RuleKind } from "./types";

export const KINDS: RuleKind[] = ["offline", "unreported", "not_heard", "mains", "crash_looping", "clock", "disk", "temperature", "data_plan"];

/// Kinds that are told by a number, with its unit and what is sensible.
export const LIMITS: Partial<Record<RuleKind, { least: number; most: number; usual: number }>> = {
  disk: { least: 1, most: 90, usual: 5 },
  temperature: { least: 30, most: 150, usual: 80 },
  data_plan: { least: 1, most: 1000, usual: 90 },
  crash_looping: { least: 2, most: 1000, usual: 4 },
};
/// What has happened has happened: waiting longer does not make it surer.
const AT_ONCE: RuleKind[] = ["not_heard", "data_plan"];

export const AFTER_S = [0, 60, 300, 600, 1800, 3600, 10_800, 86_400];
export const REPEAT_S = [900, 1800, 3600, 10_800, 21_600, 86_400];
export const ESCALATE_S = [1800, 3600, 7200, 14_400, 43_200, 86_400];

/// The steps, with the one that is set somewhere else among them.
export function steps(usual: readonly number[], set: number | null): number[] {
  return set === null || usual.includes(set) ? [...usual] : [...usual, set].sort((a, b) => a - b);
}

export function fresh(kind: RuleKind, area: string | null): RuleBody {
  return {
    area,
    kind,
    enabled: true,
    after_s: AT_ONCE.includes(kind) ? 0 : 300,
    limit: LIMITS[kind]?.usual ?? null,
    repeat_s: 1800,
    escalate_s: null,
    tell: [],
    escalate_to: [],
  };
}

/// "lan@xa.vn", "Telegram 12345", "webhook hook.xa.vn".
export function addressWords({ r }: Pick<Tongue, "r">, address: Address): string {
  if (address.by === "mail") return address.to;
  return r(`address.said.${address.by}`, { to: address.by === "webhook" ? host(address.to) : address.to });
}
/// The rest of a webhook's address is often a secret.
function host(url: string): string {
  return /^https?:\/\/([^/?#]+)/i.exec(url)?.[1] ?? url;
}

/// A long address may go to the next line after its @.
export const breakable = (text: string): string => text.replaceAll("@", "@\u200b");

/// Whether it can be one at all; the "try it" button tells the rest.
export function looksRight({ by, to }: Address): boolean {
  const text = to.trim();
  if (by === "mail") return /^[^\s@]+@[^\s@]+$/.test(text);
  if (by === "webhook") return /^https?:\/\/[^\s/@:?#][^\s/@]*(\/\S*)?$/i.test(text);
  return /^(-?\d{1,20}|@\w{4,40})$/.test(text);
}

/// "Khi một loa mất kết nối quá 5 phút ở Xã Sảng Mộc, báo cho lan@xa.vn; nhắc lại mỗi 30 phút cho đến khi có người nhận."
export function sentence(tongue: Tongue, rule: RuleBody, area: string | null): string {
  const { r, language } = tongue;
  const to = (addresses: Address[]) => list(addresses.map((a) => addressWords(tongue, a)), language);
  const limit = number(tongue, rule.limit ?? LIMITS[rule.kind]?.usual ?? 0, 1);
  const after = rule.after_s > 0 ? r("rule.after", { after: span(tongue, rule.after_s) }) : "";
  const where = area === null ? r("rule.everywhere") : r("rule.where", { area });
  const tell = rule.tell.length > 0 ? r("rule.tell", { to: to(rule.tell) }) : r("rule.tell.none");
  const more = [
    rule.repeat_s !== null && rule.tell.length > 0 ? r("rule.repeat", { span: span(tongue, rule.repeat_s) }) : "",
    rule.escalate_s !== null && rule.escalate_to.length > 0 ? r("rule.escalate", { span: span(tongue, rule.escalate_s), to: to(rule.escalate_to) }) : "",
  ].filter(Boolean);
  return `${r(`rule.when.${rule.kind}`, { limit })}${after}${where}, ${[tell, ...more].join("; ")}.`;
}

/// What keeps it from being saved; `null`: nothing.
export function trouble({ r }: Pick<Tongue, "r">, rule: RuleBody): string | null {
  const limits = LIMITS[rule.kind];
  if (limits && rule.limit !== null && !(rule.limit >= limits.least && rule.limit <= limits.most)) return r("rule.trouble.limit", { least: limits.least, most: limits.most });
  if ([...rule.tell, ...rule.escalate_to].some((a) => !looksRight(a))) return r("rule.trouble.address");
  if (rule.escalate_s !== null && rule.escalate_to.length === 0) return r("rule.trouble.escalate");
  return null;
}

/// What holds everywhere first, then area by area; what is the gravest in each before the rest.
export function inOrder(rules: readonly Rule[], areaName: (id: string) => string, language = "vi"): Rule[] {
  const collator = new Intl.Collator(language, { numeric: true });
  const place = (rule: Rule) => (rule.area === null ? "" : areaName(rule.area));
  return [...rules].sort((a, b) => collator.compare(place(a), place(b)) || KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || a.id.localeCompare(b.id));
}
