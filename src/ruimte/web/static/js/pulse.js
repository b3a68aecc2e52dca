// The lab's clock, the badge, and the banner that says when the page shows something else than the present.

import { byId, say } from "./page.js";
import * as alerts from "./alerts.js";
import * as node from "./beat.js";
import { clock, clockSeconds, dayClock, fullDay, percent } from "./format.js";

const FAST = 60; // from this speed on, seconds only flicker

let lookingBackAt = null;
let whenBack = () => {};

/** Start the clock; `back()` is called when the node is heard again after a silence. */
export function start(back) {
  whenBack = back;
  draw();
  setInterval(draw, 500);
}

/** The node was heard. */
export function beat(newStatus) {
  const wasSilent = node.isSilent();
  node.heard(newStatus);
  if (wasSilent) whenBack();
  draw();
}

/** Tell that the page shows the past; null: the present. */
export function lookBack(at) {
  lookingBackAt = at;
  draw();
}

function draw() {
  alerts.node();
  const time = node.now();
  byId("date").textContent = fullDay(time);
  byId("clock").textContent = node.speed() >= FAST ? clock(time) : clockSeconds(time);
  byId("badge").textContent = node.badge();
  document.body.dataset.phase = node.phase();
  document.body.classList.toggle("no-data", node.isSilent());
  document.body.classList.toggle("looking-back", lookingBackAt !== null);
  const text = banner();
  byId("banner").hidden = text === "";
  byId("back-to-live").hidden = lookingBackAt === null;
  if (byId("banner-text").textContent !== text) byId("banner-text").textContent = text;
}

function banner() {
  if (node.isSilent()) return say("noDataLong", { time: node.goneText() });
  if (lookingBackAt !== null) return say("lookingBack", { time: dayClock(lookingBackAt) });
  if (node.phase() === "starting") return say("gettingReady", { progress: percent(node.progress()) });
  return "";
}
