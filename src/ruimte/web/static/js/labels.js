// Labels beside the places: always for what calls for attention and for the chosen place, for the others where there is room.

import { data, say } from "./page.js";
import { clock, levelName, number, seconds } from "./format.js";
import { comes } from "./map.js";
import { Mark } from "./mark.js";

const GAP = Mark.RADIUS + 4;
const FAR = [4, 7, 11, 14].map((times) => times * Mark.RADIUS); // how far from its place a label that must be there may stand, on a lead
const LONGEST = 26; // of a name, in characters
const TAIL = 9;
const COLOUR_OF = { D: 3, E: 4, F: 5, P90: 3, P95: 4, P99: 5 };

let layer = null;
let drawn = "";

/** Lay out all labels anew. */
export function placeLabels(map, places, zones, chosen, choose) {
  layer ??= makeLayer(map, choose);
  const wanted = [...zones.values()].filter((zone) => places.has(zone.key)).map((zone) => wish(zone, zone.key === chosen));
  wanted.sort((a, b) => b.weight - a.weight);
  const key = JSON.stringify([wanted.map((label) => label.variants), map.getZoom(), map.getPixelBounds(), map.getSize()]);
  if (key === drawn) return;
  drawn = key;
  const boxes = build(wanted);
  layer.replaceChildren(...boxes.flat());
  const sizes = boxes.map((variants) => variants.map((box) => ({ w: box.offsetWidth, h: box.offsetHeight })));
  const spots = new Map([...places].map(([place, shape]) => [place, spotOf(map, shape)]));
  const taken = [...spots.values()].filter((spot) => spot.point).map((spot) => around(spot.at, GAP - 3));
  const areas = [...spots.values()].filter((spot) => !spot.point).map(({ bounds: { min, max } }) => ({ x: min.x, y: min.y, w: max.x - min.x, h: max.y - min.y }));
  taken.push(...controls(map));
  const leads = [];
  wanted.forEach((label, index) => {
    const best = choosePosition(map, label, spots.get(label.key), sizes[index], taken, areas);
    boxes[index].forEach((box, variant) => {
      if (variant !== best?.variant) box.remove();
      else L.DomUtil.setPosition(box, L.point(best.box.x, best.box.y));
    });
    if (!best) return;
    taken.push(best.box);
    if (best.box.far) leads.push(lead(spots.get(label.key).at, best.box));
  });
  layer.insertAdjacentHTML("afterbegin", `<svg class="leads"><path d="${leads.join("")}"></path></svg>`);
}

function makeLayer(map, choose) {
  const pane = map.createPane("labels");
  pane.style.zIndex = 640;
  pane.classList.add("leaflet-zoom-hide");
  pane.setAttribute("aria-hidden", "true");
  pane.addEventListener("click", (event) => {
    const box = event.target.closest(".label");
    if (box) choose(box.dataset.key);
  });
  return pane;
}

/** What a place's label would like to say, from long to short. */
function wish(zone, isChosen) {
  const soon = comes(zone) ? { level: zone.ahead.level, text: `${levelName(zone.ahead.level)} ${clock(seconds(zone.ahead.at))}` } : null;
  const calls = (zone.abnormal && !zone.silent) || soon !== null;
  const figure = zone.silent ? `? ${say("silent")}` : number(zone.mean);
  const level = zone.abnormal && !zone.silent ? zone.level : null;
  const full = { name: zone.name, figure, level, soon };
  const short = { ...full, name: null };
  const inside = zone.kind === "zone";
  return {
    key: zone.key,
    must: calls || isChosen,
    classes: [calls && "calls", isChosen && "chosen", inside && "inside"].filter(Boolean),
    variants: isChosen ? [full] : [full, short],
    weight: (isChosen ? 100 : 0) + (level ? 10 * zone.colour : 0) + (soon ? 5 : 0) + (zone.silent ? 3 : 0) + Math.min((zone.mean ?? 0) / 1e5, 2),
  };
}

function build(wanted) {
  return wanted.map((label) => label.variants.map(({ name, figure, level, soon }) => {
    const box = element("div", "label");
    box.classList.add(...label.classes);
    box.dataset.key = label.key;
    if (name) box.append(element("span", "name", shorten(name)));
    if (level) box.append(badge(level, level), " ");
    box.append(figure);
    if (soon) {
      const line = element("span", "soon", "→ ");
      line.append(badge(soon.level, soon.text));
      box.append(line);
    }
    return box;
  }));
}

/** Cut from the middle: places on one street begin alike, and what tells them apart is often in brackets at the end. */
function shorten(name) {
  if (name.length <= LONGEST) return name;
  const tail = name.match(/ ?\([^()]+\)$/)?.[0] ?? name.slice(-TAIL);
  return `${name.slice(0, Math.max(LONGEST - 1 - tail.length, TAIL)).trimEnd()}…${tail}`;
}

/** Where the zoom buttons, the scale and the attribution stand. */
function controls(map) {
  const frame = map.getContainer().getBoundingClientRect();
  return [...map.getContainer().querySelectorAll(".leaflet-control")].map((control) => {
    const { left, top, width, height } = control.getBoundingClientRect();
    const { x, y } = map.containerPointToLayerPoint([left - frame.left, top - frame.top]);
    return { x, y, w: width, h: height };
  });
}

function badge(level, text) {
  const colour = COLOUR_OF[level] ?? 0;
  return element("mark", `level-${colour}`, `${data.symbols[colour] ?? ""} ${text}`);
}

function element(tag, classes, text = "") {
  const made = document.createElement(tag);
  made.className = classes;
  made.textContent = text;
  return made;
}

function spotOf(map, shape) {
  if (shape instanceof Mark) return { point: true, at: map.latLngToLayerPoint(shape.getLatLng()) };
  const bounds = L.bounds(shape.getLatLngs().flat(2).map((at) => map.latLngToLayerPoint(at)));
  return { point: false, at: map.latLngToLayerPoint(shape.getCenter()), bounds };
}

/** Where a variant touches nothing, over as little of the areas as can be; else, for a label that must be there, where it touches least. */
function choosePosition(map, label, spot, sizes, taken, areas) {
  const corner = map.containerPointToLayerPoint([0, 0]);
  const view = { x: corner.x, y: corner.y, w: map.getSize().x, h: map.getSize().y };
  const touching = (box, others) => others.reduce((sum, other) => sum + overlap(box, other), 0);
  let least = null;
  for (const [variant, size] of sizes.entries()) {
    let free = null;
    for (const [rank, box] of positions(spot, size, label.must, Math.min(view.w, view.h) / 5).entries()) {
      const inView = overlap(box, view) / (box.w * box.h);
      const touched = touching(box, taken);
      const fits = spot.point || rank > 0 || size.w < spot.bounds.getSize().x * 0.95;
      if (touched === 0 && inView > 0.99 && fits) {
        const over = spot.point ? touching(box, areas) + rank : rank;
        if (!free || over < free.over) free = { variant, box, over };
      }
      const cost = touched + (1 - inView) * 5000 + rank;
      if (!least || cost < least.cost) least = { variant, box, cost };
    }
    if (free) return free;
  }
  return label.must ? least : null;
}

/** Where a label may stand, best first: beside a mark or inside an area; what must be there, also further off, within reach. */
function positions(spot, { w, h }, must, reach) {
  const { x, y } = spot.at;
  if (!spot.point) {
    const { min, max } = spot.bounds;
    const inside = { x: x - w / 2, y: y - h / 2, w, h };
    if (!must) return [inside];
    return [inside, { ...inside, y: min.y - h }, { ...inside, y: max.y }, { ...inside, x: min.x - w }, { ...inside, x: max.x }];
  }
  const corners = [
    [GAP, -h / 2], [-w - GAP, -h / 2], [-w / 2, -h - GAP], [-w / 2, GAP],
    [GAP * 0.6, -h - GAP * 0.6], [-w - GAP * 0.6, -h - GAP * 0.6], [GAP * 0.6, GAP * 0.6], [-w - GAP * 0.6, GAP * 0.6],
  ];
  const near = corners.map(([dx, dy]) => ({ x: Math.round(x + dx), y: Math.round(y + dy), w, h }));
  return must ? [...near, ...FAR.filter((off) => off < reach).flatMap((off) => further(spot.at, off, w, h))] : near;
}

/** Right and left of a mark, straight and slanting, and above and below. */
function further({ x, y }, off, w, h) {
  const slants = [0, -0.6, 0.6, -1.2, 1.2];
  const sides = slants.flatMap((slant) => [[off, off * slant - h / 2], [-off - w, off * slant - h / 2]]);
  const ends = [[-w / 2, -off - h], [-w / 2, off]];
  return [...sides, ...ends].map(([dx, dy]) => ({ x: Math.round(x + dx), y: Math.round(y + dy), w, h, far: true }));
}

/** A line from a mark to the nearest point of its label. */
function lead({ x, y }, box) {
  const to = { x: Math.min(Math.max(x, box.x), box.x + box.w), y: Math.min(Math.max(y, box.y), box.y + box.h) };
  const share = Mark.RADIUS / Math.hypot(to.x - x, to.y - y);
  return `M${x + (to.x - x) * share} ${y + (to.y - y) * share}L${to.x} ${to.y}`;
}

function around({ x, y }, reach) {
  return { x: x - reach, y: y - reach, w: 2 * reach, h: 2 * reach };
}

function overlap(a, b) {
  const w = Math.min(a.x + a.w, b.x + b.w) - Math.max(a.x, b.x);
  const h = Math.min(a.y + a.h, b.y + b.h) - Math.max(a.y, b.y);
  return w > 0 && h > 0 ? w * h : 0;
}
