// What the map of density says.

import { data } from "../page.js";
import { decimal, duration } from "../format.js";

/** The words for a key, with {name} filled in. */
export function say(key, values = {}) {
  return data.crowds.words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** A length of time: in seconds up to two minutes, then in minutes and hours. */
export const time = (seconds) => (seconds < 120 ? `${Math.round(seconds)} s` : duration(seconds));

/** Why nothing is known of what a silent device sees. */
export function words({ name, age_s: age }) {
  return age === null ? say("crowdNever", { name }) : say("crowdSilent", { name, time: time(age) });
}

/** The levels with their colours, marks and where they begin, under the name of their table. */
export function legend() {
  const { names, upper, table } = data.crowds;
  const box = document.createElement("figure");
  box.className = "heat-legend";
  const title = document.createElement("figcaption");
  title.textContent = say("crowdLegend", { table });
  const list = document.createElement("ul");
  list.append(...names.map((name, level) => {
    const step = document.createElement("li");
    step.className = `step level-${level}`;
    step.textContent = [data.symbols[level], name, level ? decimal(upper[level - 1], 2) : "0"].filter(Boolean).join(" ");
    return step;
  }));
  box.append(title, list);
  return box;
}
