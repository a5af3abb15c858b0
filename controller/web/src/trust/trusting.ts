/// What an administrator should know of the keys, from what the office says of them. Pure.
import type { TrustView } from "./types";

type Approver = TrustView["approvers"][number];

/// A name's keys together, in the order of the names.
export function byPerson(approvers: Approver[]): { name: string; keys: Approver[] }[] {
  const people = new Map<string, Approver[]>();
  for (const one of approvers) people.set(one.name, [...(people.get(one.name) ?? []), one]);
  return [...people].map(([name, keys]) => ({ name, keys })).sort((a, b) => a.name.localeCompare(b.name, "vi"));
}

/// A signed root as it comes in a file: base64 text, or the bytes themselves. Gives base64 (RFC 4648, 4).
export function rootText(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes).trim().replaceAll(/\s/g, "");
  if (text.length > 0 && /^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return text;
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}
/// A root is small: whatever is larger is another file.
export const MAX_ROOT_BYTES = 64 * 1024;
