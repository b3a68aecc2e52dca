// How far a forecast is to be trusted: what is to be known about it now, and how it did of late beside what needs no learning.

import { byId, element, say } from "./page.js";
import { number, share } from "./format.js";

const METHODS = ["error", "last_week", "profile"];
const TOLD_H = 3; // the summary tells of the hours up to this one
const ENOUGH = 12; // pairs; fewer tell nothing

/** Tell it of a zone's state and of its series. How it did is known as of now, so of the past it is not told. */
export function show({ caveats }, { skill }, lookingBack) {
  const rows = lookingBack ? [] : skill.filter(({ pairs }) => pairs >= ENOUGH);
  byId("caveats").hidden = !caveats.length;
  byId("caveats-text").textContent = caveats.join(" ");
  byId("skill").hidden = !rows.length;
  byId("skill-unknown").hidden = lookingBack || rows.length > 0;
  if (!rows.length) return;
  byId("skill-summary").textContent = summary(rows.find((row) => row.until_h >= TOLD_H) ?? rows.at(-1));
  const most = Math.max(...rows.flatMap((row) => METHODS.map((method) => row[method])));
  byId("skill-rows").replaceChildren(...rows.map((row) => tableRow(row, most)));
}

function summary(row) {
  const off = say("off", { hours: hours(row), error: share(row.error), lastWeek: share(row.last_week) });
  return row.within === null ? off : `${off}; ${say("inBand", { count: number(100 * row.within) })}`;
}

const hours = (row) => `${number(row.from_h)}–${number(row.until_h)}`;

/** One range of hours; `most` is the error whose bar is the longest. Those that read the same are equally good. */
function tableRow(row, most) {
  const best = share(Math.min(...METHODS.map((method) => row[method])));
  const head = Object.assign(element("th", "", hours(row)), { scope: "row" });
  const errors = METHODS.map((method) => {
    const text = share(row[method]);
    return text === best ? cell("best", `${text} ✓`, row[method] / most) : cell("", text, row[method] / most);
  });
  return element("tr", "", head, ...errors, row.within === null ? element("td", "", "?") : cell("within", share(row.within), row.within));
}

/** A figure, and under it a bar for the eye. */
function cell(className, text, length) {
  const bar = element("i", "");
  bar.style.width = `${100 * length}%`;
  return element("td", className, text, element("span", "", bar));
}
