/// The screens that look at and arrange things, and their lines under "Thêm".
import type { IconName } from "./components/icons";
import type { Key } from "./lib/i18n/index.svelte";
import type { Route } from "./lib/router.svelte";
import type { Rights } from "./api/types";

export const screens: Route[] = [];

export interface Entry {
  href: string;
  icon: IconName;
  label: Key;
  note?: Key;
  /// Shown to whom it is of use.
  when?: (rights: Rights) => boolean;
  testid?: string;
}
export const entries: Entry[] = [];
