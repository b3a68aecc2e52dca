// When the node was last heard, and what time it is in the lab. Silence must not look like calm.

import { data, say } from "./page.js";
import { seconds } from "./format.js";

let status = data.status;
let heardAt = performance.now();

/** The node was heard. */
export function heard(newStatus) {
  if (newStatus) status = newStatus;
  heardAt = performance.now();
}

/** Seconds since the node was heard. */
export const gone = () => (performance.now() - heardAt) / 1000;

/** Whether nothing has been heard for so long that what the page shows is old. */
export const isSilent = () => gone() > data.silence_s;

export const phase = () => status.phase;
export const speed = () => status.speed;
export const progress = () => status.progress;

/** The lab's time of the last status, seconds since 1970. */
export const told = () => seconds(status.time);

/** The lab's time now. It stands still in a silence. */
export const now = () => told() + (isSilent() || status.phase !== "running" ? 0 : gone() * status.speed);

/** How long the node has been gone, as it is read. */
export function goneText() {
  const whole = Math.round(gone());
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} ${say("minute")}`;
}

/** In a word: live, a replay, or neither. */
export function badge() {
  if (isSilent()) return say("noData");
  if (status.phase !== "running") return say(status.phase);
  return status.mode === "live" ? say("live") : `${say("replay")} ×${status.speed}`;
}
