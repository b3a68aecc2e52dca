// Speaks to those who listen to the page, and only for what matters: the node is lost or back, a place is no longer heard or is again.

import { announce, say } from "./page.js";
import * as beat from "./beat.js";

let wasSilent = false;
let silent = null; // keys of the places that were not heard

/** Look whether the node is heard; to be called often. */
export function node() {
  if (beat.isSilent() === wasSilent) return;
  wasSilent = !wasSilent;
  announce(wasSilent ? say("noDataLong", { time: beat.goneText() }) : say("dataBack"), true);
}

/** Look at a new picture of the present. */
export function places(zones) {
  const now = new Set(zones.filter((zone) => zone.silent).map((zone) => zone.key));
  if (silent !== null) {
    for (const { key, name } of zones) {
      if (now.has(key) && !silent.has(key)) announce(say("sentenceSilent", { place: name }));
      if (!now.has(key) && silent.has(key)) announce(say("heardAgain", { place: name }));
    }
  }
  silent = zones.length ? now : null;
}
