// The wall display: the same stream as the control room, and nothing to press. It must never be a calm picture that stands still.

import { byId, data } from "../page.js";
import * as alerts from "../alerts.js";
import * as beat from "../beat.js";
import * as map from "../map.js";
import { mapWords } from "../map_words.js";
import { listen } from "../stream.js";
import { spare, stayAwake } from "./care.js";
import * as face from "./face.js";
import { renewed } from "./renew.js";
import * as told from "./told.js";

const DRAW_MS = 500;

let joins = 0;

function show(zones) {
  map.update(zones);
  byId("map-words").replaceChildren(...mapWords(zones));
  alerts.places(zones);
  face.show(zones);
}

/** Draw what changes by itself: clock, countdowns, the age of the data, the alarm. */
function draw() {
  alerts.node();
  face.draw();
  told.countDown();
  spare(document.body);
}

const heard = {
  /** Connected, at first or again: the node may be another one by now, with another page. */
  async joined(value) {
    heard.state(value);
    joins += 1;
    if (joins > 1 && await renewed()) location.reload();
  },
  state({ status, zones }) {
    beat.heard(status);
    if (zones) show(zones);
    told.refresh();
    draw();
  },
  changed() {
    beat.heard();
    told.refresh();
  },
  beat({ status }) {
    beat.heard(status);
  },
};

map.start(() => {});
show(data.zones);
told.start(draw);
draw();
setInterval(draw, DRAW_MS);
listen((kind, value) => heard[kind](value));
stayAwake();
document.body.dataset.ready = "yes";
