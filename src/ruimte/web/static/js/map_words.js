// The map in words, for who does not see it: what calls for attention, where it is busiest, what is not heard.

import { element, say } from "./page.js";
import { number, unit } from "./format.js";
import { comes, told } from "./map.js";

const BUSIEST = 3;

/** Paragraphs that say what the map shows. */
export function mapWords(zones) {
  if (!zones.length) return [];
  const known = zones.filter((zone) => !zone.silent && zone.mean !== null);
  const calls = known.filter((zone) => zone.abnormal || comes(zone)).sort((a, b) => weight(b) - weight(a));
  const silent = zones.filter((zone) => zone.silent);
  const lines = [
    calls.length ? say("mapCalls", { count: calls.length, total: zones.length, places: calls.map(told).join(". ") }) : say(known.length ? "mapCalm" : "mapUnknown"),
    ...["persons", "persons/h"].map((kind) => busiest(known.filter((zone) => zone.unit === kind), kind)),
    silent.length ? say("mapSilent", { places: silent.map((zone) => zone.name).join(", ") }) : "",
  ];
  return lines.filter(Boolean).map((line) => element("p", "", line));
}

/** What calls now first, by its level; then what is likely to come. */
const weight = ({ abnormal, colour, ahead }) => (abnormal ? 10 * colour : 0) + (ahead ? ahead.rank + ahead.probability : 0);

/** People who are there and people who pass are not compared with each other. */
function busiest(zones, kind) {
  const most = zones.toSorted((a, b) => b.mean - a.mean).slice(0, BUSIEST);
  if (!most.length) return "";
  return say("mapBusiest", { unit: unit(kind), places: most.map((zone) => `${zone.name} ${number(zone.mean)}`).join(", ") });
}
