// What a place's figure rests on: how many of its sensors, what is wrong with which, and the evidence.

import { byId, data, element, say } from "./page.js";
import { decimal, duration } from "./format.js";

const NAMED = 2; // so many troubles fit in one line

/** Tell it of a zone's state; of the past only what was used is known. */
export function show(zone, lookingBack) {
  byId("rests").hidden = false;
  const sensors = zone.rests_on.map((sensor) => ({ ...sensor, ...look(sensor, lookingBack) })).sort((a, b) => rank(a) - rank(b));
  byId("rests-summary").replaceChildren(count(sensors.filter(({ condition }) => condition !== "missing")), ...troubles(sensors));
  byId("rests-list").replaceChildren(...sensors.map(item));
}

function look({ condition, used }, lookingBack) {
  const known = !lookingBack || condition === "missing";
  return { symbol: data.conditions[condition].symbol, word: known ? data.conditions[condition].word : say(used ? "used" : "leftOut") };
}

/** Those in trouble first; what no sensor watches is so every day, and comes after what is news. */
const rank = ({ condition, symbol }) => (!symbol ? 2 : condition === "missing" ? 1 : 0);

function count(sensors) {
  const used = sensors.filter((sensor) => sensor.used).length;
  if (used === 0) return say("restsNone");
  return sensors.length === 1 ? say("restsOne") : say("rests", { used, total: sensors.length });
}

function troubles(sensors) {
  const every = sensors.filter(({ symbol }) => symbol);
  const told = every.slice(0, NAMED).flatMap((sensor) => ["; ", sign(sensor), ` ${sensor.name}: ${sensor.word}`]);
  return every.length > NAMED ? [...told, `; ${say("more", { count: every.length - NAMED })}`] : told;
}

function item(sensor) {
  const { name, condition, symbol, word } = sensor;
  const chip = element("span", `condition ${condition}`, ...(symbol ? [sign(sensor), " "] : []), word);
  const told = element("p", "", [sensor.told, uneven(sensor.imbalance)].filter(Boolean).join(" "));
  return element("li", "", element("strong", "", name), " ", chip, " ", element("span", "quiet", aside(sensor)), told);
}

/** When it was last heard, and whether it is left out though that is not what its condition says. */
function aside({ condition, heard_s: heard, used, word }) {
  if (condition === "missing") return "";
  const parts = [heard === null ? "" : say("ago", { time: duration(heard) }), used || word === say("leftOut") ? "" : say("leftOut")];
  return parts.filter(Boolean).join(" · ");
}

function uneven(imbalance) {
  if (imbalance === null || (imbalance < data.imbalanced && imbalance > 1 / data.imbalanced)) return "";
  const times = `${decimal(Math.max(imbalance, 1 / imbalance), 1)}\u00a0×`;
  return say(imbalance > 1 ? "moreIn" : "moreOut", { times });
}

/** A symbol says to the eye what the word beside it says to all. */
function sign({ symbol }) {
  const made = element("span", "", symbol);
  made.setAttribute("aria-hidden", "true");
  return made;
}
