// The page of crowds: figures and map, new each second, and loud where they are not.

import { announce, byId, data } from "../page.js";
import * as map from "../map.js";
import { eachSecond } from "./each_second.js";
import { Fields, isSilent } from "./field.js";
import { legend } from "./legend.js";
import { morph } from "./morph.js";
import { say, time, words } from "./words.js";

const fields = new Fields(map.leaflet);
let lastAnswer = performance.now();
let silent = null; // names of the devices that were
let placed = false;

function draw() {
  const views = JSON.parse(byId("fields").textContent);
  fields.show(views);
  const bounds = fields.bounds();
  if (bounds && !placed) {
    placed = true;
    map.lookAt(bounds);
    fields.show(views); // where they lie is known only now
  }
  byId("map").hidden = !bounds;
  tell(views);
}

/** Say to those who listen which device is silent, or is heard again, once. */
function tell(views) {
  const now = new Set(views.filter(isSilent).map((view) => view.device));
  for (const view of silent === null ? [] : views) {
    if (now.has(view.device) && !silent.has(view.device)) announce(words(view));
    if (!now.has(view.device) && silent.has(view.device)) announce(say("crowdHeard", { name: view.name }));
  }
  silent = now;
}

async function heard(answer) {
  const fresh = document.createElement("template");
  fresh.innerHTML = await answer.text();
  morph(byId("crowds"), fresh.content);
  draw();
  lastAnswer = performance.now();
  gone();
}

/** What stands still for so long is not of now, and looks it. */
function gone() {
  const silence = (performance.now() - lastAnswer) / 1000;
  const is = silence > data.silence_s;
  if (is && byId("gone").hidden) announce(say("crowdGone", { time: time(silence) }), true);
  byId("gone").hidden = !is;
  document.body.classList.toggle("no-data", is);
  if (is) byId("gone").textContent = say("crowdGone", { time: time(silence) });
}

map.start(() => {});
byId("legend").replaceWith(legend());
draw();
eachSecond(`/fragments/crowds?lang=${data.language}`, heard, gone);
document.body.dataset.ready = "yes";
