// A field of density on the map: a canvas of squares, laid over the four corners of what a device sees.
// Colour says the level, and marks say those that call: ● D, ◆ E, ▲ F. A device that is silent has a hatched field.

import { data } from "../page.js";
import { words } from "./words.js";

const { upper, silent_s: SILENT_S } = data.crowds;
const CALLS = 3; // the level from which on squares are marked
const MARK_PX = 13; // from mark to mark, where squares are smaller on the screen
const SPECK_PX = 1.5; // of a square that is smaller marks would say nothing
const MOST_PX = 2048; // of a side of the canvas
const PANE = "heat";
const DISC = Array.from({ length: 12 }, (_, k) => [0.75 * Math.cos((k * Math.PI) / 6), 0.75 * Math.sin((k * Math.PI) / 6)]);
const SHAPES = [DISC, [[0, -1], [1, 0], [0, 1], [-1, 0]], [[0, -1], [1, 0.8], [-1, 0.8]]]; // of D, E and F

/** Whether what a device tells is too old to be of now. */
export const isSilent = (view) => view.age_s === null || view.age_s > SILENT_S;

/** The fields of all devices, drawn anew with each answer of the node. */
export class Fields {
  #map;
  #layers = new Map();

  constructor(map) {
    this.#map = map;
    if (!map.getPane(PANE)) {
      const pane = map.createPane(PANE);
      pane.style.zIndex = 450; // above the places, below their labels
      pane.classList.add("leaflet-zoom-hide");
      pane.setAttribute("aria-hidden", "true");
    }
  }

  /** Show these views and no others. */
  show(views) {
    const colours = palette();
    const seen = new Set(views.map((view) => view.device));
    for (const [device, layer] of this.#layers) {
      if (seen.has(device)) continue;
      layer.remove();
      this.#layers.delete(device);
    }
    for (const view of views) {
      const corners = view.field?.corners;
      let layer = this.#layers.get(view.device);
      if (!layer && !corners) continue; // never seen: nobody knows where it looks
      if (!layer) {
        layer = new Field(corners);
        this.#layers.set(view.device, layer.addTo(this.#map));
      }
      layer.show(view, colours);
    }
  }

  /** The part of the world that they cover; null where none is known. */
  bounds() {
    const all = [...this.#layers.values()].map((layer) => layer.bounds());
    return all.length ? all.reduce((one, other) => one.extend(other)) : null;
  }
}

const Field = L.Layer.extend({
  initialize(corners) {
    this._corners = corners.map(([lon, lat]) => L.latLng(lat, lon));
    this._edge = L.polygon(this._corners, { interactive: false, className: "field-edge" });
  },

  onAdd(map) {
    this._canvas = L.DomUtil.create("canvas", "field", map.getPane(PANE));
    this._edge.addTo(map);
    map.on("zoomend viewreset", this._draw, this);
  },

  onRemove(map) {
    map.off("zoomend viewreset", this._draw, this);
    this._edge.remove();
    this._canvas.remove();
  },

  bounds() {
    return L.latLngBounds(this._corners);
  },

  show(view, colours) {
    const silent = isSilent(view);
    this._field = silent ? null : view.field;
    this._colours = colours;
    this._edge.getElement()?.classList.toggle("silent", silent);
    const told = silent ? words(view) : "";
    if (told !== this._told) {
      this._told = told;
      this._edge.unbindTooltip();
      if (told) this._edge.bindTooltip(told, { permanent: true, direction: "center", className: "field-told" });
    }
    this._draw();
  },

  _draw() {
    const field = this._field;
    if (!this._map) return;
    this._canvas.hidden = !field;
    if (!field) return;
    const [from, along, , up] = this._corners.map((corner) => this._map.latLngToLayerPoint(corner));
    const square = from.distanceTo(along) / field.columns;
    const side = Math.max(1, Math.min(Math.round(square * devicePixelRatio), Math.floor(MOST_PX / Math.max(field.columns, field.rows))));
    const [wide, tall] = [field.columns * side, field.rows * side];
    if (this._canvas.width !== wide || this._canvas.height !== tall) Object.assign(this._canvas, { width: wide, height: tall });
    const [x, y] = [along.subtract(from).divideBy(wide), up.subtract(from).divideBy(tall)];
    this._canvas.style.transform = `matrix(${x.x}, ${x.y}, ${y.x}, ${y.y}, ${from.x}, ${from.y})`;
    const context = this._canvas.getContext("2d");
    context.clearRect(0, 0, wide, tall);
    const squares = byLevel(field);
    squares.forEach((which, level) => paint(context, which, field.columns, side, this._colours[level].ground));
    if (square < SPECK_PX) return;
    const apart = Math.ceil(MARK_PX / square);
    const turn = upright(x, y, (apart * side) / 3.6);
    squares.slice(CALLS).forEach((which, above) => {
      context.fillStyle = this._colours[CALLS + above].ink;
      mark(context, which.filter((at) => (at % field.columns) % apart === 0 && Math.floor(at / field.columns) % apart === 0), field.columns, side, SHAPES[above].map(turn));
    });
  },
});

/** The numbers of the squares of each level. Where nobody can be there is none. */
function byLevel({ values }) {
  const squares = [[], ...upper.map(() => [])];
  values.forEach((value, number) => {
    if (value === null) return;
    let level = 0;
    while (level < upper.length && value >= upper[level]) level += 1;
    squares[level].push(number);
  });
  return squares;
}

function paint(context, squares, columns, side, colour) {
  context.fillStyle = colour;
  for (const number of squares) context.fillRect((number % columns) * side, Math.floor(number / columns) * side, side, side);
}

/** A shape in the middle of each of these squares. */
function mark(context, squares, columns, side, corners) {
  context.beginPath();
  for (const number of squares) {
    const [x, y] = [(number % columns + 0.5) * side, (Math.floor(number / columns) + 0.5) * side];
    corners.forEach(([dx, dy], index) => (index ? context.lineTo(x + dx, y + dy) : context.moveTo(x + dx, y + dy)));
    context.closePath();
  }
  context.fill();
}

/** From a direction on the screen to one on the canvas, which lies turned: so that a triangle stands on its base. */
function upright(x, y, size) {
  const [one, other] = [x, y].map((axis) => axis.divideBy(Math.hypot(axis.x, axis.y)));
  return ([dx, dy]) => [(dx * one.x + dy * one.y) * size, (dx * other.x + dy * other.y) * size];
}

/** The colours of the levels, as they are now: the theme may change. */
function palette() {
  const probe = document.body.appendChild(document.createElement("i"));
  probe.hidden = true;
  const colours = ["A", ...upper].map((_, level) => {
    probe.className = `level-${level}`;
    const { backgroundColor: ground, color: ink } = getComputedStyle(probe);
    return { ground, ink };
  });
  probe.remove();
  return colours;
}
