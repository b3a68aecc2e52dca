// What partners share: the panel, fetched again when something changed, and their places on the map. Loaded only where there are any.

import { announce, byId, data, element } from "./page.js";
import { leaflet as map, lookAt } from "./map.js";

const EVERY_MS = 30_000; // figures grow old without anything that happens
const OWN = data.places.features.length > 0; // else there is room to say it on the map
let shapes = null;
let wrong = null;

/** Begin; `data.partners` says that there is something to show. */
export function start() {
  document.addEventListener("changed", refresh);
  setInterval(refresh, EVERY_MS);
  tellWrong();
  draw();
}

async function refresh() {
  const answer = await fetch(`/fragments/partners?lang=${data.language}`).catch(() => null);
  if (!answer?.ok) return;
  const panel = byId("partners-panel");
  const held = panel.contains(document.activeElement) ? document.activeElement.id || "summary" : null;
  const top = byId("partners-scroll")?.scrollTop ?? 0;
  panel.innerHTML = await answer.text();
  byId("partners-scroll").scrollTop = top;
  if (held) (byId(held) ?? panel.querySelector("summary")).focus();
  tellWrong();
  draw();
}

/** Say to those who listen that a link is broken, once. */
function tellWrong() {
  const now = byId("partners-panel").querySelector("summary .wrong")?.textContent ?? "";
  if (wrong !== null && now && now !== wrong) announce(now, true);
  wrong = now;
}

async function draw() {
  const answer = await fetch(`/api/v1/foreign.geojson?lang=${data.language}`).catch(() => null);
  if (!answer?.ok) return;
  const first = shapes === null;
  shapes?.remove();
  shapes = L.geoJSON(await answer.json(), {
    pointToLayer: (_, at) => L.circleMarker(at, { radius: 9 }),
    style: ({ properties: place }) => ({ className: `foreign level-${place.fresh ? place.colour : 0} ${place.fresh ? "" : "old"}` }),
    onEachFeature: ({ properties: place }, layer) => layer.bindTooltip(() => words(place), OWN ? {} : { permanent: true, direction: "center" }),
  });
  if (!shapes.getLayers().length) return;
  if (first) lookAt(shapes.getBounds());
  shapes.addTo(map);
  shapes.eachLayer((layer) => {
    layer.getElement()?.setAttribute("role", "img");
    layer.getElement()?.setAttribute("aria-label", layer.getTooltip().getContent()(layer).textContent);
  });
}

/** As in "Square · City of Utrecht: 1,200 persons". */
function words(place) {
  const box = element("span", "");
  const row = [...document.querySelectorAll(".partner")].find((each) => each.querySelector("h3")?.id === `partner-${place.link}`)
    ?.querySelectorAll("tbody tr");
  const told = [...(row ?? [])].find((each) => each.querySelector("th").textContent === place.name);
  box.textContent = told
    ? `${place.name} · ${place.partner}: ${[...told.querySelectorAll("td")].slice(0, 2).map((cell) => cell.textContent.trim()).filter(Boolean).join(", ")}`
    : (place.name ?? place.key);
  return box;
}
