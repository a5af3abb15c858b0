/// Lists that come in pages, read whole as far as a screen can show them.
import { api, type Options } from "$/api/client";

interface Paged<T> {
  items: T[];
  next: string | null;
}
const PAGE = 200;

/// `cut`: there is more than `most`.
export async function readAll<T>(path: string, query: NonNullable<Options["query"]>, most: number): Promise<{ items: T[]; cut: boolean }> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const page: Paged<T> = await api.get(path, { query: { ...query, limit: Math.min(PAGE, most), cursor } });
    items.push(...page.items);
    cursor = page.next;
  } while (cursor && items.length < most);
  return { items, cut: cursor !== null };
}
