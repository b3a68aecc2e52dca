// The slider: a day of the past, up to now. All the way to the right is live.

import { byId, data, say } from "./page.js";
import { clock, dayClock, iso, seconds } from "./format.js";

const DAY_S = 24 * 3600;
const WAIT_MS = 120;

let first = seconds(data.since);
let last = seconds(data.status.time);
let end = last; // of the day that the slider spans
let at = null;
let timer;
let changed = () => {};

/** Make the slider work; `onChange(at)` is called with seconds since 1970, or null for live. */
export function start(onChange) {
  changed = onChange;
  byId("slider").addEventListener("input", () => {
    const value = Number(byId("slider").value);
    set(value >= last ? null : value);
  });
  byId("day-back").addEventListener("click", () => shift(-DAY_S));
  byId("day-on").addEventListener("click", () => shift(DAY_S));
  byId("back-to-live").addEventListener("click", live);
  draw();
}

/** Time went on. */
export function advance(since, now) {
  first = seconds(since);
  if (now < last) end = now; // another replay began
  last = now;
  if (at === null) end = last;
  draw();
}

/** Back to the present. */
export function live() {
  if (at !== null) set(null);
}

function shift(by) {
  const wanted = Math.max(first, (at ?? last) + by);
  if (wanted >= last) {
    set(null);
    return;
  }
  end = Math.min(last, Math.max(end + by, Math.min(first + DAY_S, last)));
  set(wanted);
}

function set(moment) {
  at = moment;
  if (at === null) end = last;
  draw();
  clearTimeout(timer);
  timer = setTimeout(() => changed(at), WAIT_MS);
}

function draw() {
  const slider = byId("slider");
  slider.step = data.tick_s;
  // the range has to be a whole number of steps for the right end to be reachable
  const steps = Math.max(0, Math.floor((end - Math.max(first, end - DAY_S)) / data.tick_s));
  slider.min = end - steps * data.tick_s;
  slider.max = end;
  slider.value = at ?? end;
  const text = at === null ? say(data.status.mode) : dayClock(at);
  slider.setAttribute("aria-valuetext", at === null ? `${text}, ${clock(last)}` : text);
  byId("slider-time").textContent = text;
  byId("day-back").disabled = (at ?? last) <= first;
  byId("day-on").disabled = at === null;
}

export const atIso = () => (at === null ? null : iso(at));
