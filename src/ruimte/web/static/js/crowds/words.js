// What the map of density says.

import { data } from "../page.js";
import { duration } from "../format.js";

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
