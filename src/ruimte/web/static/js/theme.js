// Light, dark, or as the machine says. Remembered in a cookie, so that the server paints it right at once.

import { byId } from "./page.js";

const dark = matchMedia("(prefers-color-scheme: dark)");
const SIGNS = { auto: "◐", light: "☀", dark: "☾" };

/** Make the button work; `changed()` is called when the colours are others. */
export function start(changed) {
  const root = document.documentElement;
  const button = byId("theme");
  const name = () => {
    const theme = root.dataset.theme;
    button.textContent = SIGNS[theme];
    button.title = button.dataset[theme];
    button.setAttribute("aria-label", button.dataset[theme]);
  };
  button.addEventListener("click", () => {
    root.dataset.theme = after(root.dataset.theme);
    document.cookie = `ruimte_theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax`;
    name();
    changed();
  });
  for (const wish of [dark, matchMedia("(forced-colors: active)"), matchMedia("(prefers-contrast: more)")]) wish.addEventListener("change", changed);
  name();
}

/** First the opposite of what the machine says, then the same, then whatever it says: each press but the last can be seen. */
function after(theme) {
  const [same, opposite] = dark.matches ? ["dark", "light"] : ["light", "dark"];
  return { auto: opposite, [opposite]: same, [same]: "auto" }[theme];
}
