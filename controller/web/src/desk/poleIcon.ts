/// A pole's sign on the map: a shape of its own for every state, so that no colour stands alone.

/// What a pole is shown as: what it sounds counts first, then how pressing it is.
export type PoleSign = "critical" | "sounding" | "warning" | "muted" | "notice" | "ok";

const SVG = "http://www.w3.org/2000/svg";

/// In a box of 32 by 32.
const SHAPES: Record<PoleSign, string> = {
  ok: "M16 4a12 12 0 1 0 0 24 12 12 0 0 0 0-24z",
  sounding: "M16 4a12 12 0 1 0 0 24 12 12 0 0 0 0-24z",
  notice: "M5 7h22v18H5z",
  warning: "M16 3L30 28H2z",
  critical: "M11 3h10l8 8v10l-8 8H11l-8-8V11z",
  muted: "M16 2l14 14-14 14L2 16z",
};
const SIGNS: Record<PoleSign, string> = {
  ok: "M10 16.500l4 4 8-9",
  sounding: "M9 13h3l5-4v14l-5-4H9zM20.500 13a4 4 0 0 1 0 6",
  notice: "M16 15v6M16 10.800v.300",
  warning: "M16 12v7M16 23.200v.300",
  critical: "M16 9v9M16 22.700v.300",
  muted: "M10 13h3l4-3v12l-4-3h-3zM20 14l4 4M24 14l-4 4",
};

function path(data: string, name: string): SVGPathElement {
  const element = document.createElementNS(SVG, "path");
  element.setAttribute("d", data);
  element.setAttribute("class", name);
  return element;
}

/// The sign with the name under it (shown where there is room).
export function poleElement(state: PoleSign, name: string, picked: boolean): HTMLElement {
  const element = document.createElement("span");
  element.className = `pole ${state}${picked ? " picked" : ""}`;
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 32 32");
  svg.setAttribute("aria-hidden", "true");
  svg.append(path(SHAPES[state], "shape"), path(SIGNS[state], "sign"));
  element.append(svg, textElement("name", name));
  return element;
}

export function textElement(kind: string, text: string): HTMLElement {
  const element = document.createElement("span");
  element.className = kind;
  element.textContent = text;
  return element;
}

/// Worst first: what a heap of poles is shown as.
const WORST: PoleSign[] = ["critical", "warning", "muted", "notice", "sounding", "ok"];
export function worstSign(signs: PoleSign[]): PoleSign {
  return WORST.find((one) => signs.includes(one)) ?? "ok";
}
