// Asks the node again each second, for as long as the page is seen.

const EVERY_MS = 1000;
const FAR_MS = 8000; // an answer that takes longer is none

/** Fetch `address` each second and call `heard(answer)`; where there is no answer `missed()`. Returns a function that ends it. */
export function eachSecond(address, heard, missed = () => {}) {
  let timer = null;
  let ended = false;

  async function ask() {
    const began = performance.now();
    const answer = await fetch(address, { signal: AbortSignal.timeout(FAR_MS) }).catch(() => null);
    if (answer?.status === 401) location.assign("/sign-in");
    const done = answer?.ok ? await heard(answer).then(() => true, () => false) : false;
    if (ended) return;
    if (!done) missed();
    timer = document.hidden ? null : setTimeout(ask, Math.max(100, EVERY_MS - (performance.now() - began)));
  }

  const again = () => { if (!document.hidden && timer === null && !ended) { timer = setTimeout(ask); } };
  document.addEventListener("visibilitychange", again);
  again();
  return () => {
    ended = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", again);
  };
}
