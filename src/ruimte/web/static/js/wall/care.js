// Care for the screen: it stays awake, and no letter stands on the same spot for days.

const EVERY_MS = 90_000;
const STEPS = [[0, 0], [1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0], [-1, -1], [0, -1], [1, -1]];
const STEP_REM = 0.2;

/** Move a box by less than a letter's width, another way every minute and a half. */
export function spare(box) {
  const [x, y] = STEPS[Math.floor(Date.now() / EVERY_MS) % STEPS.length];
  box.style.translate = `${x * STEP_REM}rem ${y * STEP_REM}rem`;
}

/** Ask the machine not to switch the screen off; the browser forgets that when the page is hidden. */
export function stayAwake() {
  const ask = () => {
    if (document.visibilityState === "visible") navigator.wakeLock?.request("screen").catch(() => {});
  };
  document.addEventListener("visibilitychange", ask);
  ask();
}
