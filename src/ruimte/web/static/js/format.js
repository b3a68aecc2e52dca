// Numbers and times as the reader writes them, in the lab's time zone. Times are seconds since 1970.

import { data, say } from "./page.js";

const zoned = (options) => new Intl.DateTimeFormat(data.locale, { timeZone: data.zone, hourCycle: "h23", ...options });
const whole = new Intl.NumberFormat(data.locale, { maximumFractionDigits: 0 });
const percents = new Intl.NumberFormat(data.locale, { style: "percent" });
const hourMinute = zoned({ hour: "2-digit", minute: "2-digit" });
const hourMinuteSecond = zoned({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = zoned({ weekday: "short", day: "numeric", month: "short", year: "numeric" });
const dayShort = zoned({ weekday: "short", day: "numeric", month: "short" });
const dayAndClock = zoned({ weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

const date = (seconds) => new Date(seconds * 1000);

export const seconds = (iso) => Date.parse(iso) / 1000;
export const iso = (seconds) => `${date(Math.round(seconds)).toISOString().slice(0, 19)}Z`;
export const number = (value) => (value === null ? "?" : whole.format(Math.round(value)));
export const clock = (seconds) => hourMinute.format(date(seconds));
export const clockSeconds = (seconds) => hourMinuteSecond.format(date(seconds));
export const fullDay = (seconds) => day.format(date(seconds));
export const shortDay = (seconds) => dayShort.format(date(seconds));
export const dayClock = (seconds) => dayAndClock.format(date(seconds));

/** A number with so many decimals. */
export const decimal = (value, digits) => value.toLocaleString(data.locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** A length of time in hours and minutes. */
export function duration(seconds) {
  const all = Math.round(seconds / 60);
  const [hours, minutes] = [Math.floor(all / 60), all % 60];
  return [hours && `${hours} ${say("hour")}`, (minutes || !hours) && `${minutes} ${say("minute")}`].filter(Boolean).join(" ");
}

/** A share in whole percents. */
export const share = (value) => percents.format(value);

/** A chance in whole percents, never 0 % or 100 %: no forecast is that sure. */
export function percent(value) {
  if (value > 0.99) return `>${share(0.99)}`;
  return value < 0.01 ? `<${share(0.01)}` : share(value);
}

export const unit = (name) => say(name === "persons/h" ? "personsPerHour" : "persons");

/** A level as it is said: "P95", "normal", "level E". */
export function levelName(level) {
  if (level === null) return say("notKnown");
  if (level === "normal") return say("normal");
  return level.startsWith("P") ? level : say("level", { level });
}
