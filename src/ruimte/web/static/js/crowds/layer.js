// The switch of the density on the map of the control room. What draws it is loaded when it is switched on for the first time.

import { element } from "../page.js";
import { leaflet as map } from "../map.js";
import { say } from "./words.js";

const ON = "ruimte-density-on";

const name = element("span", "", say("density"));
const onOff = Object.assign(element("input", ""), { type: "checkbox", id: "density" });
const link = Object.assign(element("a", "", say("crowdFigures")), { href: "/crowds" });
const box = element("div", "heat-control", element("p", "", element("label", "", onOff, name), link));

/** Put the switch on the map, as it was left. */
export function start() {
  const control = L.control({ position: "topright" });
  control.onAdd = () => box;
  control.addTo(map);
  L.DomEvent.disableClickPropagation(box).disableScrollPropagation(box);
  onOff.checked = localStorage.getItem(ON) !== null;
  onOff.addEventListener("change", turn);
  if (onOff.checked) turn();
}

async function turn() {
  if (onOff.checked) localStorage.setItem(ON, "1");
  else localStorage.removeItem(ON);
  const shown = await import("./shown.js");
  shown.turn(onOff.checked, box, name);
}
