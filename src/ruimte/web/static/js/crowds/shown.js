// The density on the map of the control room, while it is switched on. Nothing is asked of the node while it is off.

import { announce, data, element } from "../page.js";
import { leaflet as map } from "../map.js";
import { eachSecond } from "./each_second.js";
import { Fields, isSilent } from "./field.js";
import { legend } from "./legend.js";
import { say, words } from "./words.js";

const fields = new Fields(map);
const steps = legend();
const view = Object.assign(element("button", "link", say("densityZoom")), { type: "button" });
let name = null; // of the switch
let stop = null; // asking the node
let told = false; // who is silent

view.addEventListener("click", () => map.fitBounds(fields.bounds().pad(0.1)));

/** Show the density, or take it away; `box` holds the switch. */
export function turn(on, box, switchName) {
  name = switchName;
  stop?.();
  stop = on ? eachSecond(`/api/v1/crowds?lang=${data.language}`, heard, () => show([])) : null;
  told = false;
  show([]);
  if (!on) {
    view.remove();
    steps.remove();
    return;
  }
  box.firstChild.append(view);
  box.append(steps);
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
