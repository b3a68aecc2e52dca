// After a restart the node may have another page: other scripts, other places. Nobody is there to press reload.

import { data } from "../page.js";

const files = new URL("../..", import.meta.url).pathname; // its version is part of the address

/** Whether the node now serves another page than this one; no while it does not answer, for a reload would then show nothing. */
export async function renewed() {
  const text = await fetch(location.href).then((answer) => (answer.ok ? answer.text() : "")).catch(() => "");
  const page = new DOMParser().parseFromString(text, "text/html");
  const block = page.getElementById("data");
  if (block === null) return false;
  const theirs = JSON.parse(block.textContent);
  return !text.includes(files) || ["places", "tick_s", "zone"].some((name) => JSON.stringify(theirs[name]) !== JSON.stringify(data[name]));
}
