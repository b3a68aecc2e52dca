// The chart in words, with the same figures: for who does not see it, and for who wants to quote it.

import { data, say } from "./page.js";
import { clock, decimal, levelName, number, percent, seconds, unit } from "./format.js";

const SURE = 1.645; // standard deviations that hold 90 %

/** What a place's chart says. `zone` is its state, `lookingBack` whether that is of the past. */
export function sentence(zone, series, lookingBack) {
  return [...present(zone, lookingBack), ...ahead(zone, series, lookingBack)].join("; ") + ".";
}

/** Who comes and goes, and how many would fit: a second sentence, empty where nothing of it is known. */
export function flows(zone) {
  if (zone.silent || zone.mean === null) return "";
  const told = [];
  if (zone.inflow !== null && zone.outflow !== null) {
    told.push(say("flows", { inflow: give(zone.inflow, zone.inflow_sd), outflow: give(zone.outflow, zone.outflow_sd) }));
  }
  if (zone.distance) {
    const { distance_m: distance, capacity, exceeded } = zone.distance;
    const fit = say("capacity", { distance: decimal(distance, 1), capacity: number(capacity) });
    told.push(exceeded === null ? fit : `${fit}, ${say("exceeded", { chance: percent(exceeded) })}`);
  }
  const text = told.join("; ");
  return text && `${text[0].toUpperCase()}${text.slice(1)}.`;
}

/** A figure and how far it may be off, 90 % sure. */
const give = (mean, sd) => (sd === null ? number(mean) : `${number(mean)} ± ${number(SURE * sd)}`);

function present(zone, lookingBack) {
  const place = zone.name;
  if (zone.silent) return [say("sentenceSilent", { place })];
  if (zone.mean === null) return [say("sentenceUnknown", { place })];
  const values = { place, unit: unit(zone.unit), time: clock(seconds(zone.time)), ...figures(zone.mean, zone.q05, zone.q95) };
  const density = zone.density === null ? [] : [say("sentenceDensity", { figure: decimal(zone.density, 2) })];
  return [say(lookingBack ? "sentenceThen" : "sentenceNow", values), ...density];
}

/** The coming risk, all of it at its own moment; else what is above its level already, and the highest expected figure. */
function ahead(zone, series, lookingBack) {
  const risk = zone.ahead;
  const isNow = risk !== null && seconds(risk.at) <= seconds(zone.time);
  const at = risk === null || isNow ? -1 : series.ahead_t.indexOf(seconds(risk.at));
  if (at === -1) return [...(isNow ? above(zone, series, lookingBack) : []), ...peak(series)];
  const told = [say("sentenceAhead", { time: clock(series.ahead_t[at]), ...expected(series, at) })];
  const limit = series.limits[risk.level]?.[series.past_t.length + at] ?? null;
  if (limit !== null) told.push(say("sentenceThreshold", { level: levelName(risk.level), figure: number(limit) }));
  return [...told, say("sentenceChance", { chance: percent(risk.probability) })];
}

function above(zone, series, lookingBack) {
  const limit = series.limits[zone.ahead.level]?.[series.past_t.length - 1] ?? null;
  if (limit === null || zone.mean === null || zone.mean < limit) return [];
  return [say(lookingBack ? "sentenceAboveThen" : "sentenceAboveNow", { level: levelName(zone.ahead.level), figure: number(limit) })];
}

function peak(series) {
  const known = series.ahead_q50.filter((value) => value !== null);
  if (!known.length) return [];
  const at = series.ahead_q50.indexOf(Math.max(...known));
  return [say("sentencePeak", { time: clock(series.ahead_t[at]), ...expected(series, at) })];
}

const expected = (series, at) => figures(series.ahead_q50[at], series.ahead_q05[at], series.ahead_q95[at]);

function figures(middle, low, high) {
  return { figure: number(middle), low: number(low), high: number(high) };
}
