// The legend of the map of density.

import { data, element } from "../page.js";
import { decimal } from "../format.js";
import { say } from "./words.js";

/** The levels with their colours, marks and where they begin, under the name of their table. */
export function legend() {
  const { names, upper, table } = data.crowds;
  const steps = names.map((name, level) => {
    const from = level ? decimal(upper[level - 1], 2) : "0";
    return element("li", `step level-${level}`, [data.symbols[level], name, from].filter(Boolean).join(" "));
  });
  return element("figure", "heat-legend", element("figcaption", "", say("crowdLegend", { table })), element("ul", "", ...steps));
}
