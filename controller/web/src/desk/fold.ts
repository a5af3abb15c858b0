/// Search as people type on a phone: without accents, without case. "ban chuong" finds "Bản Chương".
import { plain } from "$/announce/reach";

export function fold(text: string): string {
  return plain(text).trim();
}

/// Every word of the query stands somewhere in the text.
export function matches(query: string, ...texts: (string | null | undefined)[]): boolean {
  const words = fold(query).split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const all = texts.map((text) => fold(text ?? "")).join(" ");
  return words.every((word) => all.includes(word));
}

const collator = new Intl.Collator("vi", { numeric: true });

/// By name, "Loa 2" before "Loa 10".
export function byName<T extends { name: string }>(a: T, b: T): number {
  return collator.compare(a.name, b.name);
}
