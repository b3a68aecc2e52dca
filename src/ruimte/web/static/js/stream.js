// One stream for all of a browser's tabs: the tab that holds the lock listens and tells the others.
// A browser opens only six connections to a host, and each stream holds one for good.

import { data } from "./page.js";

const KINDS = ["state", "changed", "beat"];
const TRY_AGAIN_MS = 3000;

/** Call `heard(kind, value)` for everything the node sends; the first state after each (re)connection is of the kind "joined". */
export function listen(heard) {
  const name = `ruimte-stream-${data.language}`;
  if (!navigator.locks) {
    open(heard);
    return;
  }
  const channel = new BroadcastChannel(name);
  channel.onmessage = (message) => heard(message.data.kind, message.data.value);
  navigator.locks.request(name, () => {
    open((kind, value) => {
      channel.postMessage({ kind, value });
      heard(kind, value);
    });
    return new Promise(() => {}); // held for as long as this tab lives
  });
}

function open(heard) {
  const source = new EventSource(`/api/v1/stream?lang=${data.language}`);
  let joining = true;
  for (const kind of KINDS) {
    source.addEventListener(kind, (event) => {
      heard(joining ? "joined" : kind, JSON.parse(event.data));
      joining = false;
    });
  }
  source.onopen = () => { joining = true; };
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(() => reopen(heard), TRY_AGAIN_MS);
  };
}

/** The browser gave up: the node is away, or it wants a session first. */
async function reopen(heard) {
  const answer = await fetch("/api/v1/status").catch(() => null);
  if (answer?.status === 401) location.assign("/sign-in");
  else open(heard);
}
