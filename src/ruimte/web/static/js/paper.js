// What a printer needs that a screen does not: the table unfolded, and when it was printed.

import { byId, data } from "./page.js";

/** Watch for printing; must be called once. */
export function start() {
  const panel = byId("table-panel");
  let wasOpen = false;
  const written = new Intl.DateTimeFormat(data.locale, { timeZone: data.zone, dateStyle: "full", timeStyle: "short", hourCycle: "h23" });
  addEventListener("beforeprint", () => {
    wasOpen = panel.open;
    panel.open = true;
    byId("printed").querySelector("time").textContent = written.format(new Date());
  });
  addEventListener("afterprint", () => { panel.open = wasOpen; });
}
