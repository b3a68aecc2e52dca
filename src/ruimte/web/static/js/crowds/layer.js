// The density on the map of the control room, behind a switch. Nothing is asked of the node while it is off.

import { announce, data, element } from "../page.js";
import { leaflet as map } from "../map.js";
import { eachSecond } from "./each_second.js";
import { Fields, isSilent } from "./field.js";
import { legend, say, words } from "./words.js";

const ON = "ruimte-density-on";

const fields = new Fields(map);
const steps = legend();
const name = element("span", "", say("density"));
const onOff = Object.assign(element("input", ""), { type: "checkbox", id: "density" });
const view = Object.assign(element("button", "link", say("densityZoom")), { type: "button" });
const link = Object.assign(element("a", "", say("crowdFigures")), { href: "/crowds" });
let stop = null; // asking the node
let told = false; // who is silent

/** Put the switch on the map; as it was left. */
export function start() {
  const control = L.control({ position: "topright" });
  control.onAdd = box;
  control.addTo(map);
  onOff.checked = localStorage.getItem(ON) !== null;
  onOff.addEventListener("change", turn);
  view.addEventListener("click", () => map.fitBounds(fields.bounds().pad(0.1)));
  turn();
}

function box() {
  const made = element("div", "heat-control", element("p", "", element("label", "", onOff, name), view, link), steps);
  L.DomEvent.disableClickPropagation(made).disableScrollPropagation(made);
  return made;
}

function turn() {
  const on = onOff.checked;
  if (on) localStorage.setItem(ON, "1");
  else localStorage.removeItem(ON);
  stop?.();
  stop = on ? eachSecond(`/api/v1/crowds?lang=${data.language}`, heard, () => show([])) : null;
  steps.hidden = !on;
  told = false;
  show([]);
}

async function heard(answer) {
  const { crowds } = await answer.json();
  if (stop === null) return;
  const past = document.body.classList.contains("looking-back"); // no field of the past is kept
  name.textContent = past ? say("densityNow") : say("density");
  show(past ? [] : crowds);
  if (!told) crowds.filter(isSilent).forEach((each) => announce(words(each)));
  told = true;
}

function show(views) {
  fields.show(views);
  view.hidden = fields.bounds() === null;
}
