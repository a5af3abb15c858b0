/// Passkeys in this browser: whether it has them, and the two things one does with them. Nothing of the screens.
import { toBytes, toText } from "./binary";

/// Why there are none, as far as the page knows: the address is not secure, or is a number (WebAuthn wants a name), or the
/// browser is too old.
export type Support = "yes" | "insecure" | "number" | "missing";

interface Here {
  isSecureContext: boolean;
  hostname: string;
  hasPasskeys: boolean;
}
function here(): Here {
  return {
    isSecureContext: globalThis.isSecureContext,
    hostname: location.hostname,
    hasPasskeys: typeof PublicKeyCredential !== "undefined" && typeof navigator.credentials?.get === "function",
  };
}
export function support(at: Here = here()): Support {
  if (!at.isSecureContext) return "insecure";
  if (/^[\d.]+$/.test(at.hostname) || at.hostname.startsWith("[")) return "number";
  return at.hasPasskeys ? "yes" : "missing";
}

/// What a passkey says, as the office takes it.
export interface Assertion {
  credential: string;
  authenticator_data: string;
  client_data: string;
  signature: string;
}
/// A new passkey, as the office takes it.
export interface Attestation {
  attestation_object: string;
  client_data: string;
}
export interface Asked {
  challenge: string;
  /// A host; left out, it is the page's own.
  relying_party?: string | undefined;
  /// Which passkeys would do; none named: any that this device has for the office.
  allow?: { credential: string }[];
}
export interface ToMake {
  challenge: string;
  relying_party: string;
  user_handle: string;
  username: string;
  exclude: string[];
}

/// Why it came to nothing.
export type Failure = "cancelled" | "known" | "elsewhere" | "unable";
export class PasskeyFailure extends Error {
  constructor(readonly why: Failure) {
    super(why);
    this.name = "PasskeyFailure";
  }
}
/// By the name of what the browser throws (W3C Web Authentication Level 2, 5.1.3 and 5.1.4).
export function failureOf(name: string): Failure {
  if (name === "NotAllowedError" || name === "AbortError") return "cancelled";
  if (name === "InvalidStateError") return "known";
  if (name === "SecurityError") return "elsewhere";
  return "unable";
}
async function trying<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new PasskeyFailure(failureOf(error instanceof DOMException ? error.name : ""));
  }
}

const PATIENCE_MS = 120_000;
/// ECDSA on P-256: the one kind that office and poles take.
const ES256 = -7;

/// The person is asked for finger, face or PIN; what is signed is `challenge`.
export async function sign(asked: Asked): Promise<Assertion> {
  const found = (await trying(() =>
    navigator.credentials.get({
      publicKey: {
        challenge: toBytes(asked.challenge),
        ...(asked.relying_party && { rpId: asked.relying_party }),
        allowCredentials: (asked.allow ?? []).map(({ credential }) => ({ type: "public-key", id: toBytes(credential) })),
        userVerification: "required",
        timeout: PATIENCE_MS,
      },
    }),
  )) as PublicKeyCredential | null;
  if (!found) throw new PasskeyFailure("cancelled");
  const said = found.response as AuthenticatorAssertionResponse;
  return {
    credential: toText(found.rawId),
    authenticator_data: toText(said.authenticatorData),
    client_data: toText(said.clientDataJSON),
    signature: toText(said.signature),
  };
}

export async function make(given: ToMake): Promise<Attestation> {
  const made = (await trying(() =>
    navigator.credentials.create({
      publicKey: {
        challenge: toBytes(given.challenge),
        rp: { id: given.relying_party, name: "Loa" },
        user: { id: toBytes(given.user_handle), name: given.username, displayName: given.username },
        pubKeyCredParams: [{ type: "public-key", alg: ES256 }],
        excludeCredentials: given.exclude.map((credential) => ({ type: "public-key", id: toBytes(credential) })),
        // Kept where one can sign in without typing a name; the person, not only the phone, must be there.
        authenticatorSelection: { residentKey: "required", userVerification: "required" },
        attestation: "none",
        timeout: PATIENCE_MS,
      },
    }),
  )) as PublicKeyCredential | null;
  if (!made) throw new PasskeyFailure("cancelled");
  const said = made.response as AuthenticatorAttestationResponse;
  return { attestation_object: toText(said.attestationObject), client_data: toText(said.clientDataJSON) };
}
