// Parts of the page that the server writes: fetched again when something changed, without taking the reader's place away.

import { announce, byId, hush, say, toast } from "./page.js";

const PARTS = { warnings: "/fragments/warnings", logbook: "/fragments/logbook", table: "/fragments/table", legend: "/fragments/legend" };
const BETWEEN_MS = 700;
const MOVED_MS = 350;
const HELD_MS = 5000; // a release outside the window may never be told

const busy = new Map();
let at = null;
let pressedAt = null;
let byKeys = false;
let movedAt = -Infinity;
let next = null;

/** Watch the page; must be called once. */
export function start() {
  addEventListener("keydown", () => { byKeys = true; }, true);
  addEventListener("pointerdown", () => { pressedAt = performance.now(); byKeys = false; }, true);
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => setTimeout(() => { pressedAt = null; }), true);
  byId("warnings").addEventListener("click", ignoreWhenJustMoved, true);
  document.body.addEventListener("htmx:beforeSwap", keepPlace);
  document.body.addEventListener("htmx:afterSwap", ({ detail }) => { if (detail.target.id === "warnings") mended(); });
  document.body.addEventListener("htmx:afterRequest", ({ detail }) => { if (detail.successful && detail.elt.matches("form.note")) detail.elt.reset(); });
  document.body.addEventListener("htmx:responseError", ({ detail }) => { if (detail.requestConfig.verb === "post") toast(why(detail.xhr)); });
  document.body.addEventListener("htmx:afterRequest", ({ detail }) => { if (detail.successful && detail.requestConfig.verb === "post") hush(); });
  document.body.addEventListener("htmx:sendError", ({ detail }) => { if (detail.requestConfig.verb === "post") toast(say("noAnswer")); });
}

/** From now on show what was known at a moment (ISO text); null: the present. */
export function lookBack(moment) {
  at = moment;
  for (const part of ["warnings", "logbook", "table"]) refresh(part);
}

/** Fetch a part again: at once, or as soon as the last fetch is done and a moment has passed. */
export async function refresh(part) {
  if (busy.has(part)) {
    busy.set(part, true);
    return;
  }
  busy.set(part, false);
  while (isPressed()) await pause(50);
  const query = at === null || part === "legend" ? "" : `?at=${encodeURIComponent(at)}`;
  // each part is a source of its own: htmx keeps only the last request that waits for another of the same source
  await htmx.ajax("GET", PARTS[part] + query, { source: `#${part}`, target: `#${part}`, swap: "innerHTML" }).catch(() => {});
  await pause(BETWEEN_MS);
  const again = busy.get(part);
  busy.delete(part);
  if (again) refresh(part);
}

/** The warning that comes after one that was just dealt with by the keyboard, once. */
export function takeNext() {
  const id = next;
  next = null;
  return byId(id);
}

const isPressed = () => pressedAt !== null && performance.now() - pressedAt < HELD_MS;
const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

let before = null;

/** Remember who has the focus, what is unfolded, and which warnings were known. Nothing moves under a pointer that is down. */
function keepPlace(event) {
  const { target, xhr, requestConfig } = event.detail;
  const isRefresh = requestConfig.verb === "get";
  if (isRefresh && busy.has(target.id) && isPressed()) {
    event.detail.shouldSwap = false;
    busy.set(target.id, true);
    return;
  }
  if (target.id !== "warnings" || xhr.status !== 200) return;
  next = isRefresh || !byKeys ? null : openAfter(/\d+/.exec(requestConfig.path)[0]);
  before = {
    focused: document.activeElement?.closest("#warnings .warning")?.id,
    open: [...target.querySelectorAll("details[open]")].map((details) => details.id),
    ids: order(),
    priorities: new Map([...target.querySelectorAll(".warning")].map((item) => [item.id, Number(item.dataset.priority)])),
    scroll: target.scrollTop,
  };
}

/** The open warning below another, else the first open one. */
function openAfter(number) {
  const items = [...byId("warnings").querySelectorAll(".warning")];
  const done = items.findIndex((item) => item.id === `warning-${number}`);
  const isOpen = (item, index) => index !== done && item.dataset.phase === "open";
  return (items.find((item, index) => index > done && isOpen(item, index)) ?? items.find(isOpen))?.id ?? null;
}

/** Put everything back, and tell what is new. htmx itself gives the focus back to an element that is still there; it tells of
 * one swap once for each element that came. */
function mended() {
  if (before === null) return;
  const list = byId("warnings");
  for (const id of before.open) byId(id)?.setAttribute("open", "");
  list.scrollTop = before.scroll;
  if (next && !byId("dialog").open) takeNext()?.focus();
  else if (before.focused && !list.contains(document.activeElement) && !byId("dialog").open) {
    (byId(before.focused) ?? list).focus({ preventScroll: true });
  }
  if (order().join() !== before.ids.join()) movedAt = performance.now();
  for (const item of list.querySelectorAll('[data-phase="open"]')) {
    if (at === null) tell(item);
  }
  before = null;
  document.dispatchEvent(new Event("warnings"));
}

/** Say that a warning is new, or more urgent than it was. */
function tell(item) {
  const was = before.priorities.get(item.id);
  const priority = Number(item.dataset.priority);
  if (was !== undefined && was <= priority) return;
  announce(say(was === undefined ? "newWarning" : "raisedWarning", { text: item.dataset.told }), priority === 1);
}

const order = () => [...byId("warnings").querySelectorAll(".warning")].map((item) => item.id);

/** A click that lands just after the list moved was meant for another warning. */
function ignoreWhenJustMoved(event) {
  const byPointer = event.detail > 0;
  if (!byPointer || performance.now() - movedAt > MOVED_MS) return;
  event.preventDefault();
  event.stopPropagation();
  toast(say("justMoved"));
}

function why(xhr) {
  try {
    const { detail, mend } = JSON.parse(xhr.responseText);
    return say("notPossible", { why: mend ? `${detail}; ${mend}` : detail });
  } catch {
    return say("notPossible", { why: `${xhr.status} ${xhr.statusText}` });
  }
}
