/// How a pole stands with its certificate. Pure: the time is given.
import type { CertificateRow, Certificates } from "./types";

/// `none`: it was never enrolled, or all it had is revoked. `enrolled`: it has one that is good. `ran_out`: it had, and did not
/// renew it in time; it renews by itself as soon as it reaches the office.
export type Standing =
  | { is: "none" }
  | { is: "enrolled"; until: string }
  | { is: "ran_out"; since: string };

export function good(all: CertificateRow[], nowMs: number): CertificateRow[] {
  return all.filter((one) => one.revoked === null && Date.parse(one.expires) > nowMs);
}
export function standing({ certificates }: Certificates, nowMs: number): Standing {
  const last = (list: CertificateRow[]) => list.reduce((a, b) => (Date.parse(b.expires) > Date.parse(a.expires) ? b : a));
  const now = good(certificates, nowMs);
  if (now.length > 0) return { is: "enrolled", until: last(now).expires };
  const kept = certificates.filter((one) => one.revoked === null);
  return kept.length > 0 ? { is: "ran_out", since: last(kept).expires } : { is: "none" };
}
/// Is a code out that somebody may still use?
export function isOpen(all: Certificates, nowMs: number): boolean {
  return all.enrolment !== null && Date.parse(all.enrolment.expires) > nowMs;
}
