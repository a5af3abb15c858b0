/// What somebody typed of a SIM's data plan. Pure.

/// Megabytes; `null`: no plan; `undefined`: it cannot be one. Points and spaces between thousands are how people write it.
export function readPlan(text: string): number | null | undefined {
  const plain = text.replace(/[\s.,](?=\d{3}\b)/g, "").trim();
  if (plain === "") return null;
  const mb = /^\d{1,8}$/.test(plain) ? Number(plain) : 0;
  return mb > 0 ? mb : undefined;
}
