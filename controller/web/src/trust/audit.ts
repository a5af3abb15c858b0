/// The log as a person reads it: which call is which deed, and what its details say. Pure.

/// "POST /bulletins/{id}/approve" is "post.bulletins.approve": a name for the deed, whatever it was done to.
export function deedOf(action: string): string {
  const [verb = "", path] = action.split(" ");
  if (path === undefined) return verb.toLowerCase();
  const parts = path.split("/").filter((part) => part !== "" && !part.startsWith("{"));
  return [verb.toLowerCase(), ...parts].join(".");
}

/// Details as lines of name and value, nested ones with their whole name ("when.at").
export function linesOf(details: unknown, most = 40): [string, string][] {
  const lines: [string, string][] = [];
  const walk = (name: string, value: unknown): void => {
    if (lines.length >= most) return;
    if (Array.isArray(value)) {
      const plain = value.every((one) => one === null || typeof one !== "object");
      if (plain) lines.push([name, value.join(", ")]);
      else for (const [i, one] of value.entries()) walk(`${name}.${i + 1}`, one);
    } else if (value !== null && typeof value === "object") {
      for (const [key, one] of Object.entries(value)) walk(name ? `${name}.${key}` : key, one);
    } else lines.push([name, value === null ? "" : String(value)]);
  };
  walk("", details);
  return lines;
}

/// Where in the app the thing is that a deed was done to, when it has a page of its own.
export function pageOf(deed: string, subject: string): string | null {
  const id = subject.split(" ")[0];
  if (!id) return null;
  if (/\.bulletins(\.|$)/.test(deed)) return `#/bulletin/${encodeURIComponent(id)}`;
  if (/\.speakers(\.|$)/.test(deed)) return `#/speaker/${encodeURIComponent(id)}`;
  return null;
}

/// Where the poles stand as witnesses.
export function witnessed(all: { agrees: boolean }[]): { agree: number; differ: number } {
  const agree = all.filter((one) => one.agrees).length;
  return { agree, differ: all.length - agree };
}
