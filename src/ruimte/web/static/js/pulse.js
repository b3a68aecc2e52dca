// The lab's clock, the badge, and the alarm that nothing is heard any more. Silence must not look like calm.

import { byId, data, say } from "./page.js";
import { clock, clockSeconds, dayClock, fullDay, percent, seconds } from "./format.js";

const FAST = 60; // from this speed on, seconds only flicker

let status = data.status;
let heardAt = performance.now();
let lookingBackAt = null;
let silent = false;
let whenBack = () => {};

/** Start the clock; `back()` is called when the node is heard again after a silence. */
export function start(back) {
  whenBack = back;
  draw();
  setInterval(draw, 500);
}

/** The node was heard. */
export function beat(newStatus) {
  if (newStatus) status = newStatus;
  heardAt = performance.now();
  if (silent) whenBack();
  draw();
}

/** Tell that the page shows the past; null: the present. */
export function lookBack(at) {
  lookingBackAt = at;
  draw();
}

/** The lab's time now, seconds since 1970. It stands still in a silence. */
export function now() {
  const since = silent || status.phase !== "running" ? 0 : (performance.now() - heardAt) / 1000;
  return seconds(status.time) + since * status.speed;
}

function draw() {
  silent = performance.now() - heardAt > data.silence_s * 1000;
  const time = now();
  byId("date").textContent = fullDay(time);
  byId("clock").textContent = status.speed >= FAST ? clock(time) : clockSeconds(time);
  byId("badge").textContent = badge();
  document.body.dataset.phase = status.phase;
  document.body.classList.toggle("no-data", silent);
  document.body.classList.toggle("looking-back", lookingBackAt !== null);
  const text = banner();
  byId("banner").hidden = text === "";
  byId("back-to-live").hidden = lookingBackAt === null;
  if (byId("banner-text").textContent !== text) byId("banner-text").textContent = text;
}

function badge() {
  if (silent) return say("noData");
  if (status.phase !== "running") return say(status.phase);
  return status.mode === "live" ? say("live") : `${say("replay")} ×${status.speed}`;
}

function banner() {
  if (silent) {
    const gone = Math.round((performance.now() - heardAt) / 1000);
    return say("noDataLong", { time: gone < 60 ? `${gone} s` : `${Math.floor(gone / 60)} min` });
  }
  if (lookingBackAt !== null) return say("lookingBack", { time: dayClock(lookingBackAt) });
  if (status.phase === "starting") return say("gettingReady", { progress: percent(status.progress) });
  return "";
}
