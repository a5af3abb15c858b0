/// Alerts in order and in words: the worst first, and of each what, where, since when, why and who knows. Pure.
import { ago, moment } from "$/lib/words";
import { names, number, span, type Tongue } from "./tongue";
import type { Alert, Severity } from "./types";

const RANK: Record<Severity, number> = { critical: 0, warning: 1, notice: 2 };

/// The worst first; of equal ones, those that nobody took; of those, what lasts longest.
export function inOrder(alerts: readonly Alert[]): Alert[] {
  const taken = (a: Alert) => (a.acknowledged ? 1 : 0);
  return [...alerts].sort(
    (a, b) => RANK[a.severity] - RANK[b.severity] || taken(a) - taken(b) || Date.parse(a.began) - Date.parse(b.began) || a.id.localeCompare(b.id),
  );
}

/// Those of which it still holds; of one that is over, all.
export function still(alert: Alert): Alert["speakers"] {
  const there = alert.speakers.filter((one) => one.back === null);
  return there.length > 0 ? there : alert.speakers;
}

/// "Mất kết nối", or with many in it "40 loa mất kết nối cùng lúc".
export function what({ r }: Tongue, alert: Alert): string {
  const n = still(alert).length;
  return n > 1 ? r(`alert.many.${alert.kind}`, { n }) : r(`alert.what.${alert.kind}`);
}

/// "Nhà văn hóa Bản Chương, Xã Sảng Mộc"; of many only the area: their names unfold.
export function where(alert: Alert): string {
  const [first] = alert.speakers;
  const parts = alert.speakers.length === 1 && first ? [first.name, alert.area_name] : [alert.area_name];
  return parts.filter(Boolean).join(", ");
}

/// "Vì mất điện"; `null` for what is no outage.
export function why({ r }: Tongue, alert: Alert): string | null {
  return alert.cause === null ? null : r(`cause.${alert.cause}`);
}

/// "Đo được 83 °C, báo khi quá 80 °C." Empty where there is nothing to measure.
export function measured(tongue: Tongue, { kind, detail }: Alert): string {
  const { value, limit } = detail;
  if (value === null) return "";
  const figure = (n: number) => tongue.r(`measure.${kind}`, { n: number(tongue, n, 1) });
  return limit === null ? tongue.r("alert.measured", { value: figure(value) }) : tongue.r("alert.measured.limit", { value: figure(value), limit: figure(limit) });
}

/// "từ 05:12 sáng nay, 3 giờ trước"; of a closed one how long it lasted.
export function when(tongue: Tongue, alert: Alert): string {
  const { t, r, now, zone } = tongue;
  const began = Date.parse(alert.began);
  const from = moment(t, began, now, zone);
  if (alert.closed === null) return r("alert.since", { from, ago: ago(t, began, now) });
  const closed = Date.parse(alert.closed);
  return r("alert.lasted", { from, to: moment(t, closed, now, zone), span: span(tongue, (closed - began) / 1000) });
}

/// "Đã báo 3 lần, đã báo lên cấp trên."
export function told({ r }: Tongue, alert: Alert): string {
  if (alert.told === 0) return r("alert.told.none");
  return r(alert.escalated ? "alert.told.escalated" : "alert.told", { n: alert.told });
}

/// Who took it; empty when nobody did.
export function taken({ t, r, now, zone }: Tongue, alert: Alert): string {
  if (!alert.acknowledged) return "";
  const { by, at, note } = alert.acknowledged;
  const said = r("alert.taken", { who: by, when: moment(t, Date.parse(at), now, zone) });
  return note ? `${said} “${note}”` : said;
}

/// What somebody can do about it now.
export function help({ r }: Tongue, alert: Alert): string {
  const by = alert.kind === "offline" && alert.cause === "power" ? "power" : alert.kind;
  return r("alert.do", { what: r(`alert.do.${by}`) });
}

/// What a repair that begins here would be called: of one speaker, even where the alert is of many.
export function repairOf({ r }: Tongue, alert: Alert): string {
  const what = r(`alert.what.${alert.kind}`);
  return alert.cause === null || alert.cause === "unknown" || alert.kind === "mast" ? what : `${what}: ${r(`cause.short.${alert.cause}`)}`;
}

/// For a button whose words alone would not say which.
export function spoken(tongue: Tongue, alert: Alert): string {
  return `${what(tongue, alert)}, ${alert.speakers.length > 1 ? names(tongue, alert.speakers.map((s) => s.name), 2) : where(alert)}`;
}
