// One place over time: the past with its own uncertainty, what is expected with its bands, and the thresholds.

import * as effects from "./effects.js";
import { byId, data, say } from "./page.js";
import { clock, levelName, number, shortDay } from "./format.js";

const COLOURS = { D: "--line-d", P90: "--line-d", E: "--line-e", P95: "--line-e", F: "--line-f", P99: "--line-f" };
const DASH = [6, 4];
// rows of the data: time, past, its band, median, 90 % band, 50 % band
const [, PAST, PAST_LOW, PAST_HIGH, Q50, Q05, Q95, Q25, Q75] = Array(9).keys();

let plot = null;
let shown = null;
let ink = {};

/** Draw a series, as `/api/v1/zones/{key}/series` gives it; `isPast`: as it stood at a moment looked back to. */
export function show(series, isPast) {
  shown = { ...series, isPast, lines: limits(series) };
  if (!plot) make();
  plot.setData(rows(series));
}

/** Take over the colours after a change of theme. */
export function recolour() {
  if (!plot) return;
  plot.destroy();
  plot = null;
  show(shown, shown.isPast);
}

function make() {
  ink = readInk();
  const box = byId("chart");
  const size = () => ({ width: box.clientWidth, height: box.clientHeight });
  const line = (stroke, more = {}) => ({ stroke, width: 2, points: { show: false }, ...more });
  const edge = { stroke: "transparent", width: 0, points: { show: false } };
  plot = new uPlot({
    ...size(),
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), data.zone),
    legend: { show: false },
    padding: [18, 30, 0, 0],
    cursor: { drag: { x: false, y: false }, points: { size: 6 } },
    scales: { y: { range: (_, low, high) => [0, ceiling(high)] } },
    axes: [
      { stroke: ink.quiet, grid: { stroke: ink.line, width: 1 }, ticks: { show: false }, values: hours, space: 55, size: 34, font: ink.font },
      { stroke: ink.quiet, grid: { stroke: ink.line, width: 1 }, ticks: { show: false }, values: (_, at) => at.map(number), size: 52, font: ink.font },
    ],
    series: [{}, line(ink.text), edge, edge, line(ink.accent, { dash: DASH }), edge, edge, edge, edge],
    bands: [
      { series: [PAST_HIGH, PAST_LOW], fill: ink.pastBand },
      { series: [Q95, Q05], fill: ink.mostBand },
      { series: [Q75, Q25], fill: ink.halfBand },
    ],
    hooks: {
      drawSeries: [(u, index) => index === PAST && drawLines(u)],
      draw: [(u) => effects.draw(u, shown.effects, ink)],
      setCursor: [readOut],
    },
  }, [[]], box);
  new ResizeObserver(() => plot.setSize(size())).observe(box);
}

/** Past and future on one axis of time; the forecast starts from what was last known. */
function rows(series) {
  const { past_t: before, ahead_t: after } = series;
  const gap = (list) => list.map(() => null);
  const last = before.length - 1;
  const from = (values) => before.map((_, index) => (index === last ? values[last] : null));
  return [
    [...before, ...after],
    [...series.past, ...gap(after)],
    [...series.past_q05, ...gap(after)],
    [...series.past_q95, ...gap(after)],
    [...from(series.past), ...series.ahead_q50],
    [...from(series.past_q05), ...series.ahead_q05],
    [...from(series.past_q95), ...series.ahead_q95],
    [...from(series.past), ...series.ahead_q25],
    [...from(series.past), ...series.ahead_q75],
  ];
}

/** Where each level that calls for colour starts over time; what is compared with its own past changes from hour to hour. */
function limits(series) {
  return Object.entries(series.limits)
    .filter(([level, values]) => level in COLOURS && values.some((value) => value !== null))
    .map(([level, values]) => ({ level, values, highest: Math.max(...values.filter((value) => value !== null)) }))
    .sort((a, b) => a.highest - b.highest);
}

/** Room for the figures, and for the first limit above them where it is near. */
function ceiling(high) {
  const top = Math.max(high ?? 0, effects.highest(shown.effects, shown), 1);
  const next = shown.lines.find(({ highest }) => highest > top);
  return (next && next.highest < top * 1.6 ? next.highest : top) * 1.08;
}

function drawLines(u) {
  const { ctx, bbox } = u;
  const scale = devicePixelRatio;
  ctx.save();
  ctx.font = ink.font.replace("11px", `${11 * scale}px`);
  ctx.textBaseline = "bottom";
  ctx.textAlign = "left";
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.save();
  ctx.clip();
  const names = []; // lines that begin too close together share one text
  for (const { level, values } of shown.lines) {
    const points = values.flatMap((value, index) => (value === null ? [] : [[u.valToPos(u.data[0][index], "x", true), u.valToPos(value, "y", true)]]));
    stroke(ctx, ink[level], [2 * scale, 2 * scale], 2 * scale, points);
    const begin = points.find((point) => point[1] >= bbox.top);
    if (!begin) continue;
    const [x, y] = begin;
    const near = names.find((name) => Math.abs(name.x - x) < 40 * scale && Math.abs(name.y - y) < 14 * scale);
    if (near) Object.assign(near, { y: Math.min(near.y, y), text: `${near.text} · ${levelName(level)}` });
    else names.push({ x, y, text: levelName(level) });
  }
  for (const { x, y, text } of names) tag(ctx, text, x + 4 * scale, Math.max(y - scale, bbox.top + 13 * scale), scale);
  ctx.restore();
  const end = shown.past_t.at(-1);
  if (end !== undefined) {
    const x = Math.round(u.valToPos(end, "x", true));
    stroke(ctx, ink.text, [scale, 3 * scale], 1.5 * scale, [[x, bbox.top], [x, bbox.top + bbox.height]]);
    ctx.fillStyle = ink.quiet;
    ctx.textAlign = "center";
    ctx.fillText(shown.isPast ? clock(end) : `${say("now")} ${clock(end)}`, x, bbox.top - 2 * scale);
  }
  ctx.restore();
}

/** Text on the page's own ground, so that no line runs through it. */
function tag(ctx, text, x, y, scale) {
  ctx.fillStyle = ink.panel;
  ctx.fillRect(x - 2 * scale, y - 12 * scale, ctx.measureText(text).width + 4 * scale, 13 * scale);
  ctx.fillStyle = ink.text;
  ctx.fillText(text, x, y);
}

function stroke(ctx, colour, dash, width, points) {
  ctx.strokeStyle = colour;
  ctx.setLineDash(dash);
  ctx.lineWidth = width;
  ctx.beginPath();
  for (const [x, y] of points) ctx.lineTo(x, y);
  ctx.stroke();
}

/** The hour; under midnight the day. */
function hours(_, splits) {
  return splits.map((at) => (clock(at) === "00:00" ? `00:00\n${shortDay(at)}` : clock(at)));
}

/** The figures under the pointer. */
function readOut(u) {
  const index = u.cursor.idx;
  const time = index === null || u.cursor.left < 0 ? undefined : u.data[0][index];
  const box = u.root.querySelector(".readout") ?? u.root.appendChild(Object.assign(document.createElement("div"), { className: "readout" }));
  const past = index < shown.past_t.length;
  const [middle, low, high] = past ? [PAST, PAST_LOW, PAST_HIGH] : [Q50, Q05, Q95];
  box.hidden = time === undefined || u.data[middle][index] === null;
  if (box.hidden) return;
  const values = { time: clock(time), figure: number(u.data[middle][index]), low: number(u.data[low][index]), high: number(u.data[high][index]) };
  box.textContent = say(past ? "readoutPast" : "readoutAhead", values);
}

/** The page's colours as a canvas understands them. */
function readInk() {
  const probe = byId("chart");
  const colour = (value) => {
    probe.style.color = value;
    const computed = getComputedStyle(probe).color;
    probe.style.color = "";
    return computed;
  };
  const faint = (name, share) => colour(`color-mix(in srgb, var(${name}) ${share}%, transparent)`);
  return {
    text: colour("var(--text)"),
    panel: colour("var(--panel)"),
    quiet: colour("var(--quiet)"),
    line: faint("--line", 60),
    accent: colour("var(--accent)"),
    effect: colour("var(--effect)"),
    effectBand: faint("--effect", 22),
    pastBand: faint("--text", 16),
    mostBand: faint("--accent", 20),
    halfBand: faint("--accent", 28),
    font: `11px ${getComputedStyle(document.body).fontFamily}`,
    ...Object.fromEntries(Object.entries(COLOURS).map(([level, name]) => [level, colour(`var(${name})`)])),
  };
}
