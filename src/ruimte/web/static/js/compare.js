// What each measure would change, laid beside the measures of the dialog as soon as the node has reckoned it.

import { data, say } from "./page.js";

const MOVED_MS = 350;

let asked = 0;

const style = Object.assign(document.createElement("link"), { rel: "stylesheet", href: new URL("../css/compare.css", import.meta.url) });
document.head.append(style);

/** Fill in the comparison where the dialog has room for it. The list can be used meanwhile; once it is, it keeps its order. */
export function fill(dialog) {
  const room = dialog.querySelector("[data-compare]");
  if (!room) return;
  const form = room.closest("form");
  const also = new Set();
  const touched = () => { form.dataset.touched = "yes"; };
  for (const kind of ["keydown", "pointerdown", "change"]) form.addEventListener(kind, touched);
  form.addEventListener("change", ({ target }) => {
    if (target.name !== "measure" || also.has(target.value) || option(form, target.value).querySelector(".effect")) return;
    also.add(target.value);
    ask(form, room, [...also]);
  });
  ask(form, room, []);
}

/** Fetch the comparison; an answer that has been overtaken, or comes to a dialog that is gone, is dropped. */
async function ask(form, room, also) {
  const mine = ++asked;
  tell(room, say("comparing"));
  const query = new URLSearchParams({ lang: data.language, ...(also.length && { also: also.join() }) });
  const answer = await fetch(`${room.dataset.compare}?${query}`).catch(() => null);
  const text = answer?.ok ? await answer.text() : null;
  if (mine !== asked || !room.isConnected) return;
  if (text === null) tell(room, say("notCompared"));
  else lay(form, room, text);
}

function lay(form, room, text) {
  const parts = document.createElement("template");
  parts.innerHTML = text;
  const content = parts.content;
  const effects = [...content.querySelectorAll(".effect")];
  for (const effect of effects) {
    const place = option(form, effect.dataset.measure);
    if (!place) continue;
    place.querySelector(".effect")?.remove();
    place.append(effect);
    place.querySelector("input").setAttribute("aria-describedby", `effect-${effect.dataset.measure}`);
  }
  const best = effects.find((effect) => effect.querySelector(".place"));
  if (!form.dataset.touched) sort(form, effects);
  room.querySelectorAll(":scope > :not([role=status])").forEach((old) => old.remove());
  const count = effects.filter((effect) => effect.querySelector(".place")).length;
  const name = best && option(form, best.dataset.measure)?.querySelector("strong").textContent;
  const outcome = best && ("better" in best.dataset ? say("compared", { count, name }) : say("noneBetter", { count }));
  tell(room, content.querySelector(".why-not")?.textContent ?? outcome ?? "");
  room.append(...content.querySelectorAll(".side-by-side"));
}

/** Best first. The choice and the focus stay with the measure that had them; a click meant for another one is not taken. */
function sort(form, effects) {
  const focused = document.activeElement;
  const listed = [...form.querySelectorAll("fieldset > .option")].filter((each) => !each.closest("details"));
  const wanted = effects.map((effect) => option(form, effect.dataset.measure)).filter((each) => listed.includes(each));
  if (wanted.every((each, index) => each === listed[index])) return;
  for (const each of wanted) each.parentElement.append(each);
  if (form.contains(focused)) focused.focus();
  const until = performance.now() + MOVED_MS;
  const hold = (event) => {
    if (event.detail > 0 && performance.now() < until && event.target.closest(".option")) event.preventDefault();
  };
  form.addEventListener("click", hold, true);
  setTimeout(() => form.removeEventListener("click", hold, true), MOVED_MS);
}

const option = (form, key) => [...form.querySelectorAll(".option")].find((each) => each.dataset.measure === key);

function tell(room, text) {
  room.querySelector("[role=status]").textContent = text;
}
