// The map: zones as polygons, count points as marks. Shape, letter and figure say the same as the colour.

import { byId, data, say, toast } from "./page.js";
import { clock, levelName, number, percent, seconds, unit } from "./format.js";
import { placeLabels } from "./labels.js";
import { Mark } from "./mark.js";

const METRES_A_DEGREE = 111_320;
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000];
const WANTED_PX = 90;
const PDOK = "https://service.pdok.nl/brt/achtergrondkaart/wmts/v2_0/grijs/EPSG:3857/{z}/{x}/{y}.png";
const HATCH = '<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
  + '<rect width="6" height="6"></rect><path d="M0 0V6"></path></pattern>';

const STILL = { dragging: false, keyboard: false, scrollWheelZoom: false, doubleClickZoom: false, touchZoom: false, boxZoom: false };
const animate = !matchMedia("(prefers-reduced-motion: reduce)").matches;
const byFinger = matchMedia("(pointer: coarse) and (max-width: 60rem)").matches; // one finger scrolls the page, two move the map
const map = L.map("map", { zoomControl: false, attributionControl: false, zoomSnap: 0.25, maxZoom: 24, renderer: L.svg(), zoomAnimation: animate, fadeAnimation: animate, inertia: animate,
  dragging: !byFinger, ...(data.still && STILL) });
export { map as leaflet };
const layers = new Map();
let zones = new Map();
let chosen = null;
let halo = null;
let whole = null;
let byUs = false;
let moved = false; // by hand: from then on the view is the reader's
let choose = () => {};

/** Draw the places; `onChoose(key)` is called when one is picked. */
export function start(onChoose) {
  choose = onChoose;
  if (!data.still) L.control.zoom({ zoomInTitle: say("zoomIn"), zoomOutTitle: say("zoomOut") }).addTo(map);
  L.control.scale({ imperial: false }).addTo(map);
  if (data.attribution) L.control.attribution({ prefix: false }).addAttribution(escape(data.attribution)).addTo(map);
  const shapes = L.geoJSON(data.places, {
    pointToLayer: (_, at) => new Mark(at),
    onEachFeature: (feature, layer) => layers.set(feature.id, layer),
  });
  if (!layers.size) return;
  ground(shapes.getBounds());
  map.createPane("halo").classList.add("leaflet-zoom-hide");
  shapes.addTo(map);
  hatch();
  Mark.spread(map, [...layers.values()]);
  for (const [key, layer] of layers) (data.still ? makeShape : makeButton)(key, layer);
  map.on("zoomend", () => { Mark.spread(map, [...layers.values()]); drawHalo(); });
  map.on("moveend zoomend resize", label);
  map.on("movestart", () => { moved ||= !byUs; });
  new ResizeObserver(resize).observe(byId("map"));
}

function ground(bounds) {
  whole = bounds.pad(0.06);
  fit();
  if (data.tiles === "pdok-grey") addTiles();
  else drawGrid(map);
}

function hatch() {
  map.getPane("overlayPane").querySelector("svg").insertAdjacentHTML("afterbegin", `<defs>${HATCH}</defs>`);
}

/** Show this part of the world, on a map that has no places of its own. */
export function lookAt(bounds) {
  if (layers.size) return;
  ground(bounds);
  map.getRenderer(L.polyline([])).addTo(map);
  hatch();
  new ResizeObserver(resize).observe(byId("map"));
}

function resize() {
  map.invalidateSize({ pan: false });
  if (!moved) fit();
}

function fit() {
  byUs = true;
  map.fitBounds(whole, { animate: false });
  byUs = false;
}

/** Show new states. */
export function update(list) {
  zones = new Map(list.map((zone) => [zone.key, zone]));
  for (const [key, layer] of layers) {
    const zone = zones.get(key);
    const path = layer.getElement();
    if (!zone || !path) continue;
    const known = !zone.silent && zone.mean !== null;
    const colour = zone.abnormal ? zone.colour : Math.min(zone.colour, 2);
    path.setAttribute("class", ["leaflet-interactive place", `level-${known ? colour : 0}`,
      zone.abnormal && known ? "abnormal" : "", known ? "" : "silent"].join(" "));
    layer.setLevel?.(known && zone.abnormal ? colour : 0);
    path.setAttribute("aria-label", told(zone));
    path.querySelector("title").textContent = told(zone);
  }
  label();
}

/** Mark the chosen place, and bring it into view. */
export function mark(key) {
  layers.get(chosen)?.getElement()?.setAttribute("aria-pressed", "false");
  chosen = key;
  const layer = layers.get(key);
  if (!layer) return;
  layer.getElement()?.setAttribute("aria-pressed", "true");
  const middle = layer.getLatLng?.() ?? layer.getBounds().getCenter();
  if (!map.getBounds().contains(middle)) map.panTo(middle, { animate });
  drawHalo();
  label();
}

/** A place's state in words: what a screen reader hears and a pointer sees. */
export function told(zone) {
  if (zone.silent) return `${zone.name}: ${say("silent")}`;
  if (zone.mean === null) return `${zone.name}: ${say("notKnown")}`;
  const now = `${zone.name}: ${number(zone.mean)} ${unit(zone.unit)}, ${levelName(zone.level)}`;
  return comes(zone) ? `${now}; ${expected(zone)}` : now;
}

/** Whether more than the present level is likely soon. */
export function comes(zone) {
  return zone.ahead !== null && zone.ahead.probability >= data.open_at && zone.ahead.level !== zone.level;
}

function expected({ ahead }) {
  return say("ahead", { level: levelName(ahead.level), time: clock(seconds(ahead.at)), chance: percent(ahead.probability) });
}

function makeShape(key, layer) {
  const path = layer.getElement();
  path.dataset.key = key;
  path.append(document.createElementNS("http://www.w3.org/2000/svg", "title"));
  path.classList.add("place", "level-0");
  return path;
}

function makeButton(key, layer) {
  const path = makeShape(key, layer);
  path.setAttribute("tabindex", "0");
  path.setAttribute("role", "button");
  path.setAttribute("aria-pressed", "false");
  layer.on("click", () => choose(key));
  path.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    choose(key);
  });
}

function drawHalo() {
  halo?.remove();
  const layer = layers.get(chosen);
  if (!layer) return;
  const options = { pane: "halo", interactive: false, className: "halo" };
  halo = layer instanceof Mark
    ? L.circleMarker(layer.getLatLng(), { ...options, radius: Mark.RADIUS + 5 })
    : L.polygon(layer.getLatLngs(), options);
  halo.addTo(map);
}

function label() {
  if (!layers.size) return;
  placeLabels(map, layers, zones, chosen, choose);
}

function addTiles() {
  const tiles = L.tileLayer(PDOK, { maxZoom: 24, maxNativeZoom: 19, attribution: "Kadaster" });
  tiles.on("tileerror", () => {
    if (!map.hasLayer(tiles)) return;
    tiles.remove();
    drawGrid(map);
    toast(say("noTiles"));
  });
  tiles.addTo(map);
}

function escape(text) {
  const box = document.createElement("span");
  box.textContent = text;
  return box.innerHTML;
}

/** The ground where there is no background map: a grid of whole metres, drawn again after each move, so that distances can be read. */
function drawGrid(map) {
  const pane = map.createPane("grid");
  pane.style.zIndex = 100;
  pane.classList.add("leaflet-zoom-hide");
  pane.setAttribute("aria-hidden", "true");
  const lines = L.layerGroup().addTo(map);
  const renderer = L.svg({ pane: "grid", padding: 0.5 });
  const options = { pane: "grid", renderer, interactive: false, className: "grid-line", smoothFactor: 0 };

  const draw = () => {
    lines.clearLayers();
    const view = map.getBounds().pad(0.4);
    const middle = map.getCenter();
    const perPixel = map.distance(middle, map.containerPointToLatLng(map.latLngToContainerPoint(middle).add([100, 0]))) / 100;
    const step = STEPS.find((metres) => metres / perPixel >= WANTED_PX) ?? STEPS.at(-1);
    const up = step / METRES_A_DEGREE;
    const aside = up / Math.cos((middle.lat * Math.PI) / 180);
    for (let lat = Math.floor(view.getSouth() / up) * up; lat < view.getNorth(); lat += up) {
      L.polyline([[lat, view.getWest()], [lat, view.getEast()]], options).addTo(lines);
    }
    for (let lng = Math.floor(view.getWest() / aside) * aside; lng < view.getEast(); lng += aside) {
      L.polyline([[view.getSouth(), lng], [view.getNorth(), lng]], options).addTo(lines);
    }
  };
  map.on("moveend zoomend resize", draw);
  draw();
}
