/// What the office says of trust: second factors, keys, certificates, the log.
import type { Assertion, Attestation } from "$/proof/passkeys";

export interface Security {
  totp: boolean;
  passkeys: number;
  recovery_codes: number;
  proved_until: string | null;
}
export interface SessionRow {
  id: string;
  made: string;
  used: string;
  address: string | null;
  program: string | null;
  current: boolean;
}
export interface PasskeyRow {
  id: string;
  name: string;
  made: string;
  used: string | null;
}
export interface NewTotp {
  secret: string;
  url: string;
  qr: string;
}

export interface Enrolment {
  code: string;
  expires: string;
  text: string;
  qr: string;
  office: string;
  fingerprint: string;
}
export interface CertificateRow {
  serial: string;
  made: string;
  expires: string;
  revoked: string | null;
  reason: string | null;
}
export interface Certificates {
  certificates: CertificateRow[];
  enrolment: { expires: string } | null;
}

export interface EndorsementView {
  in_force: "office" | "passkey";
  needed: number;
  until: string | null;
  given: { user: string; name: string; at: string }[];
  challenge: string | null;
  mine: string[];
}

export interface TrustView {
  root: { version: number; expires: string; here: boolean };
  office_keys: { id: string; expires: string; in_use: boolean }[];
  rule: { by: "office" | "passkey"; needed: number; relying_party: string };
  approvers: { name: string; credential: string; channels: string[]; expires: string; area: string | null }[];
  passkeys: { user: string; name: string; credential: string; key: string }[];
  authority: { fingerprint: string; expires: string } | null;
  warnings: string[];
}

export interface AuditEntry {
  number: number;
  at: string;
  user: string | null;
  name: string | null;
  session: string | null;
  address: string | null;
  action: string;
  subject: string;
  details: unknown;
  hash: string;
}
export interface AuditPage {
  entries: AuditEntry[];
  next: string | null;
}
export interface AuditVerified {
  entries: number;
  head: string;
  ok: boolean;
  broken_at: number | null;
  witnesses: { speaker: string; name: string | null; entries: number; agrees: boolean }[];
}
export type { Assertion, Attestation };

/// Which pole a scanned code is for.
export interface EnrolmentState {
  speaker: string;
  name: string;
  expires: string;
}
