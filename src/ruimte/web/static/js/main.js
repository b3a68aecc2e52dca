// The control room: ties the parts of the page together.

import { announce, byId, data } from "./page.js";
import * as alerts from "./alerts.js";
import * as chart from "./chart.js";
import * as effects from "./effects.js";
import * as dialogs from "./dialogs.js";
import * as fragments from "./fragments.js";
import * as keys from "./keys.js";
import * as lookback from "./lookback.js";
import * as map from "./map.js";
import * as pulse from "./pulse.js";
import * as rests from "./rests.js";
import * as skill from "./skill.js";
import * as theme from "./theme.js";
import { seconds } from "./format.js";
import { mapWords } from "./map_words.js";
import { flows, sentence } from "./sentence.js";
import { listen } from "./stream.js";

let zones = data.zones;
let chosen = null;
let starting = data.status.phase === "starting";
let asked = 0;

function choose(key) {
  if (!data.places.features.some((place) => place.id === key)) return;
  chosen = key;
  byId("place").value = key;
  const address = new URL(location);
  address.searchParams.set("zone", key);
  address.searchParams.delete("lang");
  history.replaceState(null, "", address);
  byId("language").search = `?lang=${byId("language").hreflang}&zone=${encodeURIComponent(key)}`;
  map.mark(key);
  markWarnings();
  drawChart();
}

function chooseAndTell(key) {
  choose(key);
  const zone = zones.find((each) => each.key === key);
  if (zone) announce([map.told(zone), ...zone.caveats].join(". "));
}

function markWarnings() {
  for (const item of byId("warnings").querySelectorAll(".warning")) {
    item.classList.toggle("chosen", item.dataset.place === chosen);
  }
}

/** Fetch the chosen place's series; an answer that has been overtaken is dropped. */
async function drawChart() {
  const zone = zones.find((each) => each.key === chosen);
  if (!zone) return;
  const mine = ++asked;
  const at = lookback.atIso();
  const query = new URLSearchParams({ lang: data.language, ...(at && { at }) });
  const answer = await fetch(`/api/v1/zones/${encodeURIComponent(chosen)}/series?${query}`).catch(() => null);
  if (!answer?.ok || mine !== asked) return;
  const series = await answer.json();
  chart.show(series, at !== null);
  byId("sentence").textContent = sentence(zone, series, at !== null);
  byId("flows").textContent = flows(zone);
  effects.tell(series.effects);
  rests.show(zone, at !== null);
  skill.show(zone, series, at !== null);
}

function show(list) {
  zones = list;
  map.update(zones);
  byId("map-words").replaceChildren(...mapWords(zones));
  if (lookback.atIso() === null) alerts.places(zones);
  if (chosen === null && zones.length) choose(firstChoice());
  else drawChart();
}

/** From the address, else the place of the first warning, else the busiest that is abnormal, else the first. */
function firstChoice() {
  const wished = new URLSearchParams(location.search).get("zone");
  if (zones.some((zone) => zone.key === wished)) return wished;
  const warned = byId("warnings").querySelector(".warning:not(.closed)")?.dataset.place;
  return warned ?? zones.toSorted((a, b) => b.colour - a.colour || (b.mean ?? 0) - (a.mean ?? 0))[0].key;
}

const heard = {
  /** Connected: what changed since the page was made, or while nobody listened, has to be fetched. */
  joined(value) {
    if (value.status.sequence === data.status.sequence && value.status.phase === data.status.phase) {
      pulse.beat(value.status);
      return;
    }
    heard.state(value);
    fragments.refresh("logbook");
  },
  state({ status, since, zones: list }) {
    pulse.beat(status);
    lookback.advance(since, seconds(status.time));
    if (starting && status.phase !== "starting") {
      starting = false;
      fragments.refresh("legend");
    }
    if (lookback.atIso() !== null) return;
    show(list);
    fragments.refresh("warnings");
    fragments.refresh("table");
  },
  changed() {
    pulse.beat();
    fragments.refresh("warnings");
    fragments.refresh("logbook");
    document.dispatchEvent(new Event("changed"));
    if (lookback.atIso() === null) drawChart(); // a measure that was taken is predicted on it
  },
  beat({ status }) {
    pulse.beat(status);
  },
};

/** Show the picture of a moment; null: the present. */
async function lookBack(at) {
  pulse.lookBack(at);
  const moment = lookback.atIso();
  fragments.lookBack(moment);
  const query = new URLSearchParams({ lang: data.language, ...(moment && { at: moment }) });
  const answer = await fetch(`/api/v1/zones?${query}`).catch(() => null);
  if (answer?.ok && moment === lookback.atIso()) show((await answer.json()).zones);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-zone]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  chooseAndTell(link.dataset.zone);
});
document.addEventListener("warnings", markWarnings);
byId("warnings").addEventListener("focusin", (event) => {
  const place = event.target.closest(".warning")?.dataset.place;
  if (place && place !== chosen) choose(place);
});
byId("place").addEventListener("change", () => choose(byId("place").value));

map.start(chooseAndTell);
fragments.start();
dialogs.start();
keys.start();
theme.start(chart.recolour);
if (data.push) import("./push.js").then((push) => push.start());
if (data.partners) import("./partners.js").then((partners) => partners.start());
if (data.crowds) import("./crowds/layer.js").then((crowds) => crowds.start());
lookback.start(lookBack);
onPaper();
pulse.start(() => ["warnings", "logbook", "table"].forEach(fragments.refresh));
show(zones);
listen((kind, value) => heard[kind](value));
document.body.dataset.ready = "yes";
performance.mark("ready");

/** What a printer needs that a screen does not: the table unfolded, and when it was printed. */
function onPaper() {
  const panel = byId("table-panel");
  let wasOpen = false;
  const written = new Intl.DateTimeFormat(data.locale, { timeZone: data.zone, dateStyle: "full", timeStyle: "short", hourCycle: "h23" });
  addEventListener("beforeprint", () => {
    wasOpen = panel.open;
    panel.open = true;
    byId("printed").querySelector("time").textContent = written.format(new Date());
  });
  addEventListener("afterprint", () => { panel.open = wasOpen; });
}
