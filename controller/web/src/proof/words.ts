/// What is said when showing who one is came to nothing.
import { words } from "../api/client";
import type { Key } from "../lib/i18n/index.svelte";
import { t } from "../lib/i18n/index.svelte";
import { PasskeyFailure } from "./passkeys";

export function troubleOf(error: unknown): string {
  return error instanceof PasskeyFailure ? t(`passkey.failed.${error.why}` as Key) : words(error);
}
/// A code as people type it: with spaces, in small letters.
export function tidyCode(text: string): string {
  return text.replaceAll(/\s/g, "").toUpperCase();
}
