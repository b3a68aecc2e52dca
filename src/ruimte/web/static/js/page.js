// What the server handed over in the page's data block, and the few elements everybody uses.

export const data = JSON.parse(document.getElementById("data").textContent);

export const byId = (id) => document.getElementById(id);

/** The words for a key, with {name} filled in. */
export function say(key, values = {}) {
  return data.words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** A new element with what is in it. */
export function element(name, className, ...content) {
  const made = Object.assign(document.createElement(name), { className });
  made.append(...content);
  return made;
}

const SAID_MS = 30_000;

/** Announce to those who listen to the page instead of looking at it; what comes together is said one after the other. */
export function announce(text, urgent = false) {
  const line = element("p", "", text);
  byId(urgent ? "shouted" : "said").append(line);
  setTimeout(() => line.remove(), SAID_MS);
}

let toastTimer;

/** Tell about something that went wrong, for a while. */
export function toast(text) {
  const box = byId("toast");
  box.textContent = text;
  box.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(hush, 8000);
}

/** What went wrong before is over: what was done now went well. */
export function hush() {
  byId("toast").hidden = true;
}
