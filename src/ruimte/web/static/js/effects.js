// What was predicted when a measure was taken, over what was then measured: without it dotted, with it dashed in its band.

import { byId } from "./page.js";

/** The highest figure of predictions that lie on the chart, so that none is cut off. */
export function highest(effects, series) {
  const from = series.past_t[0] ?? -Infinity;
  const seen = effects.flatMap((effect) => effect.t.flatMap((t, step) => (t < from ? [] : [effect.without_q50[step], effect.with_q95[step]])));
  return Math.max(0, ...seen);
}

/** Draw them on the chart, clipped to it, each from the moment of the decision. */
export function draw(u, effects, ink) {
  if (!effects.length) return;
  const { ctx, bbox } = u;
  const scale = devicePixelRatio;
  const at = (effect, values) => effect.t.map((t, step) => [u.valToPos(t, "x", true), u.valToPos(values[step], "y", true)]);
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const effect of effects) {
    trace(ctx, [...at(effect, effect.with_q05), ...at(effect, effect.with_q95).reverse()]);
    ctx.fillStyle = ink.effectBand;
    ctx.fill();
    line(ctx, at(effect, effect.with_q50), ink.effect, [7 * scale, 3 * scale], 2.5 * scale);
    line(ctx, at(effect, effect.without_q50), ink.text, [2 * scale, 3 * scale], 2 * scale);
    const x = Math.round(u.valToPos(effect.at, "x", true));
    line(ctx, [[x, bbox.top], [x, bbox.top + bbox.height]], ink.effect, [], scale);
  }
  ctx.restore();
}

/** The same in words, and the lines' names; nothing where no measure was taken. */
export function tell(effects) {
  const list = byId("effects");
  list.replaceChildren(...effects.map(({ told }) => Object.assign(document.createElement("li"), { textContent: told })));
  list.hidden = !effects.length;
  for (const name of document.querySelectorAll(".predicted-without, .predicted-with")) name.hidden = !effects.length;
}

function line(ctx, points, colour, dash, width) {
  trace(ctx, points);
  ctx.strokeStyle = colour;
  ctx.setLineDash(dash);
  ctx.lineWidth = width;
  ctx.stroke();
}

function trace(ctx, points) {
  ctx.beginPath();
  for (const [x, y] of points) ctx.lineTo(x, y);
}
