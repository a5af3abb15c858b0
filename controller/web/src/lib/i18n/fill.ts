/// Places in texts: `{name}` is a value, `{n|speaker|speakers}` a word by the number `n`.

/// `null`: not known any more, as the name of somebody who has left.
export type Values = Record<string, string | number | null>;

const PLACE = /\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g;

export function fill(text: string, values: Values = {}, language = "vi"): string {
  return text.replace(PLACE, (_, name: string, one?: string, many?: string) => {
    const value = values[name];
    if (value === undefined) return "";
    if (value === null) return "…";
    if (one === undefined || many === undefined) return String(value);
    return new Intl.PluralRules(language).select(Number(value)) === "one" ? one : many;
  });
}

const JOINTS: Record<string, { and: string; or: string }> = { vi: { and: " và ", or: " hoặc " }, en: { and: " and ", or: " or " } };

/// "Bản Chương, Nà Lay và 3 nơi khác" is up to the caller; this only joins.
export function list(items: string[], language = "vi", joint: "and" | "or" = "and"): string {
  if (items.length < 2) return items[0] ?? "";
  const word = (JOINTS[language] ?? JOINTS.en)?.[joint] ?? ", ";
  return `${items.slice(0, -1).join(", ")}${word}${items[items.length - 1]}`;
}
