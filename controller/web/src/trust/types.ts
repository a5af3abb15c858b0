/// What the office says of trust, under the names that these screens use.
import type { components } from "$/api/schema";

type Schemas = components["schemas"];

export type Security = Schemas["SecurityView"];
export type SessionRow = Schemas["OpenSession"];
export type Sessions = Schemas["OpenSessions"];
export type PasskeyRow = Schemas["PasskeyView"];
export type Passkeys = Schemas["Passkeys"];
export type NewPasskey = Schemas["NewPasskeyView"];
export type NewTotp = Schemas["TotpView"];
export type RecoveryCodes = Schemas["RecoveryView"];

export type Enrolment = Schemas["EnrolmentView"];
export type Scanned = Schemas["ScannedView"];
export type CertificateRow = Schemas["CertificateView"];
export type Certificates = Schemas["Certificates"];

export type EndorsementView = Schemas["EndorsementView"];
export type TrustView = Schemas["TrustView"];

export type AuditEntry = Schemas["EntryView"];
export type AuditPage = Schemas["AuditLog"];
export type AuditVerified = Schemas["Verification"];
