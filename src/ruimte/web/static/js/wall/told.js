// What stands beside the map: warnings with their time counting down, and a few figures. The server writes it.

import { byId, data, say } from "../page.js";
import * as beat from "../beat.js";
import { duration, seconds } from "../format.js";

const BETWEEN_MS = 700;
const TRY_AGAIN_MS = 3000;

let asking = false;
let again = false;
let wanting = false; // asked for, not got
let freshAt = 0;
let changed = () => {};

/** Get ready; `onChange()` is called when there is something else to read. */
export function start(onChange) {
  changed = onChange;
  new ResizeObserver(fit).observe(byId("told"));
}

/** Fetch it again: at once, or as soon as the last fetch is done and a moment has passed. */
export async function refresh() {
  again = asking;
  if (asking) return;
  asking = true;
  if (!wanting) freshAt = performance.now();
  wanting = true;
  const answer = await fetch(`/fragments/wall?lang=${data.language}`).catch(() => null);
  if (answer?.status === 401) location.assign("/sign-in");
  const text = answer?.ok ? await answer.text().catch(() => null) : null;
  if (text !== null) {
    freshAt = performance.now();
    wanting = false;
    byId("told").innerHTML = text;
    fit();
    changed();
  }
  setTimeout(() => {
    asking = false;
    if (again || wanting) refresh();
  }, text === null ? TRY_AGAIN_MS : BETWEEN_MS);
}

/** Whether the node is heard but does not give the warnings: what stands there is old. */
export const isStale = () => wanting && performance.now() - freshAt > data.silence_s * 1000;

/** Draw the time that is left before each warning. */
export function countDown() {
  for (const lead of document.querySelectorAll("[data-at]")) {
    const left = seconds(lead.dataset.at) - beat.now();
    lead.textContent = left < 60 ? say("now") : say("wallIn", { lead: duration(left) });
  }
}

/** Leave out the warnings that do not fit, the least pressing first, and say how many. */
function fit() {
  const [list, more] = [byId("warnings"), byId("more")];
  const items = [...list.querySelectorAll(".warning")];
  for (const item of items) item.hidden = false;
  more.hidden = true;
  for (let left = 1; left < items.length && list.scrollHeight > list.clientHeight + 1; left += 1) {
    items.at(-left).hidden = true;
    more.hidden = false;
    more.textContent = left === 1 ? say("oneMoreWarning") : say("moreWarnings", { count: left });
  }
}
