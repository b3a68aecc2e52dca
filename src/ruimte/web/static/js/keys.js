// Single keys for who works here all night. They can be switched off in the help.

import { byId } from "./page.js";

const OFF = "ruimte-keys-off";

const actions = {
  j: () => step(1),
  k: () => step(-1),
  a: () => press("acknowledge"),
  m: () => press("measure"),
  d: () => press("decline"),
  t: () => { byId("table-panel").open = !byId("table-panel").open; },
  l: () => byId("back-to-live").click(),
  "?": () => byId("help").showModal(),
};

/** Listen to the keyboard; must be called once. */
export function start() {
  const box = byId("keys-on");
  box.checked = localStorage.getItem(OFF) === null;
  box.addEventListener("change", () => (box.checked ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "1")));
  document.addEventListener("keydown", (event) => {
    const action = actions[event.key.toLowerCase()];
    const elsewhere = event.target.closest("input:not([type=range]), select, textarea, dialog");
    if (!action || elsewhere || !box.checked || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action();
  });
}

const list = () => [...byId("warnings").querySelectorAll(".warning")];
const current = () => document.activeElement?.closest("#warnings .warning");

function step(by) {
  const items = list();
  if (!items.length) return;
  const index = items.indexOf(current());
  const next = index === -1 ? (by > 0 ? 0 : items.length - 1) : Math.min(Math.max(index + by, 0), items.length - 1);
  items[next].focus();
  items[next].scrollIntoView({ block: "nearest" });
}

/** Press a button of the warning that has the focus, else of the first that has one. */
function press(what) {
  const item = current() ?? list().find((each) => each.querySelector(`[id^="${what}-"]`));
  item?.querySelector(`[id^="${what}-"]`)?.click();
}
