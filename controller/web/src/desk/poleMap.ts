/// The map itself (Leaflet): poles, names of areas, a grid where there are no tiles, and a ring drawn around poles.
import {
  type DivIcon,
  type LayerGroup,
  type Map as LeafletMap,
  control,
  divIcon,
  latLng,
  layerGroup,
  map as makeMap,
  marker,
  point,
  polyline,
  tileLayer,
} from "leaflet";
import "leaflet/dist/leaflet.css";
import { bounds, clusters, gridLines, gridStep, inside, type Point, type XY } from "./geo";
import { poleElement, type PoleSign, textElement, worstSign } from "./poleIcon";

export interface Pole extends Point {
  id: string;
  name: string;
  state: PoleSign;
  /// "Nhà văn hóa, cần xem: mất điện lưới": what a screen reader says.
  label: string;
  picked: boolean;
}
export interface Name extends Point {
  name: string;
}
export interface Callbacks {
  onpole: (id: string) => void;
  onring: (ids: string[]) => void;
  clusterLabel: (n: number) => string;
}

const SIGN = 36;
/// Signs nearer than this, in pixels, are gathered.
const NEAR = 38;
/// From here on every pole stands alone, and wears its name.
const ALONE = 17;
const NAMES = 14;
/// About the size of a name of an area, in pixels.
const LETTER = 11;
const NAME_HIGH = 30;
/// A longer one is cut.
const WIDEST_NAME = 240;

export class PoleMap {
  #map: LeafletMap;
  #poles: LayerGroup;
  #grid: LayerGroup;
  #names: LayerGroup;
  #all: Pole[] = [];
  #areas: Name[] = [];
  #tiles: boolean;
  #told: Callbacks;
  #ring: XY[] | null = null;
  #drawn: LayerGroup;
  #end: () => void = () => {};

  constructor(box: HTMLElement, tiles: { url: string | null; attribution: string | null }, told: Callbacks) {
    this.#tiles = tiles.url !== null;
    this.#told = told;
    // Names, signs and lines fade by CSS; motion is the person's own choice.
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#map = makeMap(box, { zoomControl: false, attributionControl: this.#tiles, zoomAnimation: !still, fadeAnimation: !still, minZoom: 4, maxZoom: 19, zoomSnap: 0.5 });
    this.#map.setView([21, 106], 6);
    if (tiles.url) {
      this.#map.attributionControl.setPrefix(false);
      // The page itself tells nobody where it is; but who gives tiles wants to know for whom, and is told the office's address alone.
      const layer = tileLayer(tiles.url, { attribution: plain(tiles.attribution ?? ""), maxZoom: 19, referrerPolicy: "origin" });
      // No line to the tiles: the grid takes their place.
      layer.on("tileerror", () => {
        if (!this.#tiles) return;
        this.#tiles = false;
        this.#drawGrid();
      });
      layer.addTo(this.#map);
    }
    control.scale({ imperial: false, maxWidth: 120 }).addTo(this.#map);
    this.#grid = layerGroup().addTo(this.#map);
    this.#names = layerGroup().addTo(this.#map);
    this.#poles = layerGroup().addTo(this.#map);
    this.#drawn = layerGroup().addTo(this.#map);
    this.#map.on("moveend zoomend resize", () => this.#draw());
    this.#draw();
  }

  show(poles: Pole[], names: Name[]): void {
    this.#all = poles;
    this.#areas = names;
    this.#drawNames();
    this.#drawPoles();
  }

  fit(): void {
    const around = bounds(this.#all, 0.15);
    if (around) {
      const [sw, ne] = around;
      this.#map.fitBounds([[sw.lat, sw.lon], [ne.lat, ne.lon]], { animate: false, maxZoom: 16 });
    }
  }
  zoom(by: number): void {
    this.#map.setZoom(this.#map.getZoom() + by);
  }

  /// While it is on, a finger draws a ring and does not move the map.
  lasso(on: boolean): void {
    this.#end();
    this.#end = () => {};
    const box = this.#map.getContainer();
    box.classList.toggle("drawing", on);
    if (!on) {
      this.#map.dragging.enable();
      return;
    }
    this.#map.dragging.disable();
    const at = (e: PointerEvent): XY => {
      const place = box.getBoundingClientRect();
      return { x: e.clientX - place.left, y: e.clientY - place.top };
    };
    const down = (e: PointerEvent) => {
      if (!e.isPrimary || e.button !== 0) return;
      box.setPointerCapture(e.pointerId);
      this.#ring = [at(e)];
    };
    const move = (e: PointerEvent) => {
      if (!this.#ring || !e.isPrimary) return;
      this.#ring.push(at(e));
      this.#drawRing();
    };
    // The mouse must not select the words it passes over.
    const still = (e: Event) => e.preventDefault();
    const up = () => {
      const ring = this.#ring ?? [];
      this.#ring = null;
      this.#drawn.clearLayers();
      const held = this.#all.filter((pole) => inside(this.#place(pole), ring)).map((pole) => pole.id);
      if (held.length > 0) this.#told.onring(held);
    };
    box.addEventListener("mousedown", still);
    box.addEventListener("pointerdown", down);
    box.addEventListener("pointermove", move);
    box.addEventListener("pointerup", up);
    box.addEventListener("pointercancel", up);
    this.#end = () => {
      box.removeEventListener("mousedown", still);
      box.removeEventListener("pointerdown", down);
      box.removeEventListener("pointermove", move);
      box.removeEventListener("pointerup", up);
      box.removeEventListener("pointercancel", up);
    };
  }

  remove(): void {
    this.#end();
    this.#map.remove();
  }

  #place(pole: Point): XY {
    return this.#map.latLngToContainerPoint([pole.lat, pole.lon]);
  }

  #draw(): void {
    const box = this.#map.getContainer();
    box.classList.toggle("names", this.#map.getZoom() >= NAMES);
    if (!this.#tiles) this.#drawGrid();
    this.#drawNames();
    this.#drawPoles();
  }

  /// A name that would cover another waits until one looks closer.
  #drawNames(): void {
    this.#names.clearLayers();
    const shown: { x: number; y: number; half: number }[] = [];
    for (const one of this.#areas) {
      const at = { ...this.#place(one), half: Math.min(one.name.length * LETTER, WIDEST_NAME) / 2 };
      if (shown.some((s) => Math.abs(s.x - at.x) < s.half + at.half && Math.abs(s.y - at.y) < NAME_HIGH)) continue;
      shown.push(at);
      const icon = plainIcon(textElement("area-name", one.name));
      marker([one.lat, one.lon], { icon, interactive: false, keyboard: false, zIndexOffset: -1000 }).addTo(this.#names);
    }
  }

  #drawPoles(): void {
    this.#poles.clearLayers();
    const placed = this.#all.map((pole) => ({ ...this.#place(pole), pole }));
    const heaps = this.#map.getZoom() >= ALONE ? placed.map((one) => [one]) : clusters(placed, NEAR);
    for (const heap of heaps) {
      const poles = heap.map((one) => one.pole);
      const [first] = poles;
      if (!first) continue;
      if (poles.length === 1) this.#drawPole(first);
      else this.#drawHeap(poles, first);
    }
  }
  #drawPole(pole: Pole): void {
    const icon = signIcon(poleElement(pole.state, pole.name, pole.picked));
    const one = marker([pole.lat, pole.lon], { icon, title: pole.label, riseOnHover: true });
    one.on("click", () => this.#told.onpole(pole.id));
    one.addTo(this.#poles);
    one.getElement()?.setAttribute("aria-label", pole.label);
    if (pole.picked) one.getElement()?.setAttribute("aria-pressed", "true");
  }
  #drawHeap(poles: Pole[], first: Pole): void {
    const label = this.#told.clusterLabel(poles.length);
    const element = poleElement(worstSign(poles.map((p) => p.state)), "", poles.every((p) => p.picked));
    element.append(textElement("count", String(poles.length)));
    const one = marker([first.lat, first.lon], { icon: signIcon(element), title: label });
    one.on("click", () => {
      const around = bounds(poles, 0.3);
      if (around) this.#map.flyToBounds([[around[0].lat, around[0].lon], [around[1].lat, around[1].lon]], { maxZoom: ALONE, duration: 0.3 });
    });
    one.addTo(this.#poles);
    one.getElement()?.setAttribute("aria-label", label);
  }

  #drawRing(): void {
    this.#drawn.clearLayers();
    const line = (this.#ring ?? []).map((at) => this.#map.containerPointToLatLng(point(at.x, at.y)));
    polyline(line, { className: "ring", interactive: false }).addTo(this.#drawn);
  }

  /// Parallels and meridians: without tiles something must say how far and which way.
  #drawGrid(): void {
    this.#grid.clearLayers();
    const seen = this.#map.getBounds();
    const step = gridStep(Math.max(seen.getNorth() - seen.getSouth(), seen.getEast() - seen.getWest()));
    const look = { className: "grid-line", interactive: false };
    const digits = step < 0.01 ? 3 : step < 0.1 ? 2 : 1;
    for (const lat of gridLines(seen.getSouth(), seen.getNorth(), step)) {
      polyline([latLng(lat, seen.getWest()), latLng(lat, seen.getEast())], look).addTo(this.#grid);
      this.#degree(lat, seen.getWest(), `${lat.toFixed(digits)}°`);
    }
    for (const lon of gridLines(seen.getWest(), seen.getEast(), step)) {
      polyline([latLng(seen.getSouth(), lon), latLng(seen.getNorth(), lon)], look).addTo(this.#grid);
      this.#degree(seen.getNorth(), lon, `${lon.toFixed(digits)}°`);
    }
  }
  #degree(lat: number, lon: number, text: string): void {
    const icon = plainIcon(textElement("degree", text));
    marker([lat, lon], { icon, interactive: false, keyboard: false }).addTo(this.#grid);
  }
}

function signIcon(html: HTMLElement): DivIcon {
  return divIcon({ className: "sign-box", html, iconSize: [SIGN, SIGN], iconAnchor: [SIGN / 2, SIGN / 2] });
}
function plainIcon(html: HTMLElement): DivIcon {
  return divIcon({ className: "plain-box", html, iconSize: [0, 0] });
}
/// Leaflet takes the attribution as HTML; the configuration gives text, with links left to words.
function plain(text: string): string {
  const element = document.createElement("span");
  element.textContent = text;
  return element.innerHTML;
}
