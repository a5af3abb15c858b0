/// A pole's sign on the map: a shape of its own for every state, so that no colour stands alone.
import type { Mark } from "./speakers";

const SVG = "http://www.w3.org/2000/svg";

/// In a box of 32 by 32.
const SHAPES: Record<Mark, string> = {
  online: "M16 4a12 12 0 1 0 0 24 12 12 0 0 0 0-24z",
  sounding: "M16 4a12 12 0 1 0 0 24 12 12 0 0 0 0-24z",
  silent: "M16 3L30 28H2z",
  offline: "M5 5h22v22H5z",
  muted: "M16 2l14 14-14 14L2 16z",
};
const SIGNS: Record<Mark, string> = {
  online: "M10 16.500l4 4 8-9",
  sounding: "M9 13h3l5-4v14l-5-4H9zM20.500 13a4 4 0 0 1 0 6",
  silent: "M16 12v7M16 23.200v.300",
  offline: "M11 11l10 10M21 11L11 21",
  muted: "M10 13h3l4-3v12l-4-3h-3zM20 14l4 4M24 14l-4 4",
};

function path(data: string, name: string): SVGPathElement {
  const element = document.createElementNS(SVG, "path");
  element.setAttribute("d", data);
  element.setAttribute("class", name);
  return element;
}

/// The sign with the name under it (shown where there is room).
export function poleElement(state: Mark, name: string, picked: boolean): HTMLElement {
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
const WORST: Mark[] = ["offline", "silent", "muted", "sounding", "online"];
export function worstMark(marks: Mark[]): Mark {
  return WORST.find((one) => marks.includes(one)) ?? "online";
}
