// The dialog in which a measure is chosen or a warning declined, and the help.

import { takeNext } from "./fragments.js";
import { byId } from "./page.js";

const dialog = () => byId("dialog");

/** Watch the page; must be called once. */
export function start() {
  byId("warnings").addEventListener("click", (event) => {
    const button = event.target.closest("[data-dialog]");
    if (button) open(button);
  });
  for (const box of [dialog(), byId("help")]) {
    box.addEventListener("click", (event) => {
      if (event.target === box || event.target.closest("[data-close]")) box.close();
    });
  }
  dialog().addEventListener("htmx:afterRequest", ({ detail }) => { if (detail.successful) dialog().close(); });
  byId("help-button").addEventListener("click", () => byId("help").showModal());
}

/** Open the dialog that belongs to a warning's button; afterwards the focus goes to the next warning or returns to this one. */
function open(button) {
  const item = button.closest(".warning");
  const content = item.querySelector(`template.${button.dataset.dialog}`).content.cloneNode(true);
  dialog().replaceChildren(content);
  htmx.process(dialog());
  dialog().addEventListener("close", () => (takeNext() ?? byId(button.id) ?? byId(item.id))?.focus(), { once: true });
  dialog().showModal();
  if (dialog().querySelector("[data-compare]")) import("./compare.js").then(({ fill }) => fill(dialog())); // not with the first load
}
