/// What an administrator should know of the keys, from what the office says of them. Pure.
import { toText } from "$/proof/binary";
import type { TrustView } from "./types";

type Approver = TrustView["approvers"][number];

/// A name's keys together, in the order of the names.
export function byPerson(approvers: Approver[]): { name: string; keys: Approver[] }[] {
  const people = new Map<string, Approver[]>();
  for (const one of approvers) people.set(one.name, [...(people.get(one.name) ?? []), one]);
  return [...people].map(([name, keys]) => ({ name, keys })).sort((a, b) => a.name.localeCompare(b.name, "vi"));
}

/// A signed root as it comes in a file: base64url text, as `loa-controller keys sign` writes it, or the bytes themselves.
export function rootText(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes).trim().replaceAll(/\s/g, "");
  return /^[\w-]+$/.test(text) ? text : toText(bytes);
}
/// A root is small: whatever is larger is another file.
export const MAX_ROOT_BYTES = 64 * 1024;
