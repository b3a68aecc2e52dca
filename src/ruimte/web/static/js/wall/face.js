// The head of the wall display: the clock, how old the data is, and the alarm when the picture is one not to trust.

import { byId, data, say } from "../page.js";
import * as beat from "../beat.js";
import { clock, clockSeconds, duration, fullDay, percent } from "../format.js";
import * as told from "./told.js";

const FAST = 60; // from this speed on, seconds only flicker
const OLD_TICKS = 3; // data older than so many ticks is marked

let zones = [];
let shownAt = 0;

/** Tell it of the places, as they are now. */
export function show(list) {
  zones = list;
  shownAt = beat.told();
}

export function draw() {
  const time = beat.now();
  byId("date").textContent = fullDay(time);
  byId("clock").textContent = beat.speed() >= FAST ? clock(time) : clockSeconds(time);
  byId("badge").textContent = beat.badge();
  document.body.dataset.phase = beat.phase();
  drawAge(time);
  const [text, more] = alarm();
  document.body.classList.toggle("not-to-trust", text !== "" && beat.phase() !== "starting");
  byId("alarm").hidden = text === "";
  byId("alarm-text").textContent = text;
  byId("alarm-more").textContent = more;
}

/** How old the newest observation is. */
function drawAge(time) {
  const ages = zones.map((zone) => zone.age_s).filter((age) => age !== null);
  const since = beat.isSilent() ? beat.gone() : Math.max(0, time - shownAt);
  const age = ages.length ? Math.min(...ages) + since : null;
  byId("age").classList.toggle("old", age === null || age > OLD_TICKS * data.tick_s);
  byId("age").textContent = age === null ? say("dataNone") : age < 60 ? say("dataFresh") : say("dataAge", { time: duration(age) });
}

/** What makes the picture one not to trust, loudest first: what is wrong, and what that means. */
function alarm() {
  const time = clock(beat.told());
  if (beat.isSilent()) return [say("wallGone", { time: beat.goneText() }), say("wallGoneMore", { time })];
  if (told.isStale()) return [say("wallStale"), say("wallStaleMore")];
  if (beat.phase() === "starting") return [say("wallStarting", { progress: percent(beat.progress()) }), ""];
  if (zones.every((zone) => zone.silent)) return [say("wallUnheard"), say("wallUnheardMore")];
  if (beat.phase() === "ended") return [say("wallEnded"), say("wallEndedMore", { time })];
  return ["", ""];
}
