// What guards a person's account, played by a script: a passkey in the browser's own virtual authenticator, and the codes that
// an authenticator app would show.
import { createHmac } from "node:crypto";

/** A phone that has passkeys, with those that another had. Gives what tells them. */
export async function authenticator(page, credentials = []) {
  const line = await page.context().newCDPSession(page);
  await line.send("WebAuthn.enable");
  const { authenticatorId } = await line.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  for (const credential of credentials) await line.send("WebAuthn.addCredential", { authenticatorId, credential });
  return async () => (await line.send("WebAuthn.getCredentials", { authenticatorId })).credentials;
}

/** RFC 6238 with what all apps have: SHA-1, 30 s, 6 digits. `ahead`: of so many steps later. */
export function totp(secret, ahead = 0) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret.replaceAll(/[\s=]/g, "").toUpperCase()].map((c) => alphabet.indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
  const mac = createHmac("sha1", key).update(counter).digest();
  const at = (mac.at(-1) ?? 0) & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}
