"""What happened, in words: sentences of warnings and of the logbook, in the reader's language and the lab's time."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from babel.numbers import format_decimal, format_percent

from ruimte.clock import from_us
from ruimte.jobs.compare_sentences import SENTENCES as COMPARING
from ruimte.jobs.crowd_words import SENTENCES as CROWDS
from ruimte.jobs.delivery_words import SENTENCES as DELIVERY
from ruimte.jobs.partner_reasons import reason_in
from ruimte.jobs.partner_words import CONDITIONS
from ruimte.jobs.partner_words import SENTENCES as PARTNERS
from ruimte.jobs.share_words import LOGGED as SHARING
from ruimte.jobs.track_words import SENTENCES as TRACKS
from ruimte.lab.lab import Lab
from ruimte.model.role import ROLE_NAMES
from ruimte.model.warning import Reason
from ruimte.store.records import LogEntry
from ruimte.text import pick

_SENTENCES: dict[str, dict[str, str]] = {
    "reason.above": {
        "en": "Measured {now} {unit}; {level} starts at {limit}.",
        "nl": "Gemeten: {now} {unit}; {level} begint bij {limit}.",
    },
    "reason.forecast": {
        "en": "Expected at {time}: {q50} {unit} (90 % sure: {q05}–{q95}); {level} starts at {limit}.",
        "nl": "Verwacht om {time}: {q50} {unit} (90 % zeker: {q05}–{q95}); {level} begint bij {limit}.",
    },
    "reason.unknown": {
        "en": "How busy it is now is not known: nothing is heard from this place.",
        "nl": "Hoe druk het nu is, is niet bekend: van deze plek wordt niets gehoord.",
    },
    "reason.busier": {
        "en": "Now {ratio} times as busy as usual at this weekday and hour ({usual} {unit}).",
        "nl": "Nu {ratio} keer zo druk als gewoonlijk op deze weekdag en dit uur ({usual} {unit}).",
    },
    "reason.event": {
        "en": "In the calendar: {name}, {start}–{end}.",
        "nl": "Op de kalender: {name}, {start}–{end}.",
    },
    "reason.partly": {
        "en": "Rests on {share} of the sensors of this place; the others are silent.",
        "nl": "Steunt op {share} van de sensoren van deze plek; de andere geven geen signaal.",
    },
    "reason.leaving": {
        "en": "Visitors who leave come by here. Simulated for {time}: {q50} {unit} (90 % sure: {q05}–{q95});"
        " {level} starts at {limit}.",
        "nl": "Vertrekkende bezoekers komen hierlangs. Gesimuleerd voor {time}: {q50} {unit} (90 % zeker: {q05}–{q95});"
        " {level} begint bij {limit}.",
    },
    "reason.leaving-before": {
        "en": "As after the last such evening, for as many as there are now: {q50} {unit} at {time} (90 % sure: {q05}–{q95});"
        " {level} starts at {limit}.",
        "nl": "Zoals na de vorige avond als deze, voor wie er nu is: {q50} {unit} om {time} (90 % zeker: {q05}–{q95});"
        " {level} begint bij {limit}.",
    },
    "reason.event-ends": {
        "en": "{name} ends at {end}: its visitors leave then.",
        "nl": "{name} eindigt om {end}: dan vertrekken de bezoekers.",
    },
    "reason.inflow": {
        "en": "Most come in through {gate}: {per_hour} an hour, {share} of all who come in.",
        "nl": "De meesten komen binnen via {gate}: {per_hour} per uur, {share} van wie er binnenkomt.",
    },
    "reason.surge": {
        "en": "{people} more people in {minutes} minutes, most through {gate}; {usual} is usual.",
        "nl": "{people} mensen meer in {minutes} minuten, de meesten via {gate}; {usual} is gebruikelijk.",
    },
    "reason.surge-doubted": {
        "en": "Counted: {people} more people in {minutes} minutes through {gate}, where {usual} is usual. The picture leaves this"
        " count out until another confirms it: look at once.",
        "nl": "Geteld: {people} mensen meer in {minutes} minuten via {gate}, waar {usual} gebruikelijk is. Het beeld laat deze"
        " telling weg tot een andere haar bevestigt: kijk meteen.",
    },
    "reason.sensor": {
        "en": "Without sensor {sensor}: it is not heard, or not believed.",
        "nl": "Zonder sensor {sensor}: die geeft geen signaal, of is niet geloofwaardig.",
    },
    "log.started": {"en": "The node started ({mode}).", "nl": "Het programma is gestart ({mode})."},
    "log.opened": {
        "en": "Warning {warning}, priority {priority}: {place}, {level} expected at {time}, {probability}.",
        "nl": "Waarschuwing {warning}, prioriteit {priority}: {place}, {level} verwacht om {time}, {probability}.",
    },
    "log.opened-now": {
        "en": "Warning {warning}, priority {priority}: {place} has reached {level}.",
        "nl": "Waarschuwing {warning}, prioriteit {priority}: {place} heeft {level} bereikt.",
    },
    "log.raised": {
        "en": "Warning {warning} raised to {level}, priority {priority}: {place}.",
        "nl": "Waarschuwing {warning} verhoogd naar {level}, prioriteit {priority}: {place}.",
    },
    "log.lowered": {
        "en": "Warning {warning} lowered to {level}: {place}.",
        "nl": "Waarschuwing {warning} verlaagd naar {level}: {place}.",
    },
    "log.escalated": {
        "en": "Warning {warning} passed on: nobody has acknowledged it. {place}, {level}, priority {priority}.",
        "nl": "Waarschuwing {warning} doorgegeven: niemand heeft haar bevestigd. {place}, {level}, prioriteit {priority}.",
    },
    "log.shelved": {
        "en": "Warning {warning} put aside until {until}: {place}. {note}",
        "nl": "Waarschuwing {warning} opzijgezet tot {until}: {place}. {note}",
    },
    "log.unshelved": {
        "en": "Warning {warning} is back: {place}, {level}.",
        "nl": "Waarschuwing {warning} is terug: {place}, {level}.",
    },
    "log.seen": {
        "en": "Warning {warning}, {place}: seen, nothing done. {note}",
        "nl": "Waarschuwing {warning}, {place}: gezien, niets gedaan. {note}",
    },
    "log.closed": {"en": "Warning {warning} closed: {place}.", "nl": "Waarschuwing {warning} gesloten: {place}."},
    "log.acknowledged": {
        "en": "Warning {warning} acknowledged: {place}.",
        "nl": "Waarschuwing {warning} bevestigd: {place}.",
    },
    "log.decided": {
        "en": "Measure for {place}: {measure}. {note}",
        "nl": "Maatregel voor {place}: {measure}. {note}",
    },
    "log.forgotten": {
        "en": "Names of staff deleted, past their time: {lines}.",
        "nl": "Namen van medewerkers verwijderd, over hun tijd: {lines}.",
    },
    "log.declined": {
        "en": "Warning {warning}, {place}: no measure taken. {note}",
        "nl": "Waarschuwing {warning}, {place}: geen maatregel genomen. {note}",
    },
    "log.note": {"en": "{note}", "nl": "{note}"},
    "log.note-place": {"en": "{place}: {note}", "nl": "{place}: {note}"},
    "log.field-report": {
        "en": "Field report of {place}: about {people} persons (between {low} and {high}). {note}",
        "nl": "Veldmelding van {place}: ongeveer {people} personen (tussen {low} en {high}). {note}",
    },
    "log.purged": {
        "en": "{lines} lines of the logbook were deleted: their retention is over.",
        "nl": "{lines} regels van het logboek zijn gewist: hun bewaartermijn is voorbij.",
    },
    "log.silent": {"en": "Not heard any more: {place}.", "nl": "Geen signaal meer van: {place}."},
    "log.heard": {"en": "Heard again: {place}.", "nl": "Weer signaal van: {place}."},
    "log.sends-personal": {
        "en": "Device {device} sends what it must not: what looks like {identifier}. It was refused; nothing of it was kept.",
        "nl": "Apparaat {device} stuurt wat het niet mag: iets als {identifier}. Het is geweigerd; niets ervan is bewaard.",
    },
    "log.sensor-silent": {"en": "Sensor {sensor} is silent. {why}", "nl": "Sensor {sensor} geeft geen signaal. {why}"},
    "log.sensor-stuck": {"en": "Sensor {sensor} is stuck. {why}", "nl": "Sensor {sensor} hangt. {why}"},
    "log.sensor-doubtful": {"en": "Sensor {sensor} is doubtful. {why}", "nl": "Sensor {sensor} is twijfelachtig. {why}"},
    "log.sensor-drifting": {"en": "Sensor {sensor} drifts. {why}", "nl": "Sensor {sensor} wijkt steeds meer af. {why}"},
    "log.sensor-lying": {"en": "Sensor {sensor} is wrong. {why}", "nl": "Sensor {sensor} klopt niet. {why}"},
    "log.sensor-fine": {"en": "Sensor {sensor} is fine again.", "nl": "Sensor {sensor} doet het weer goed."},
    "sensor.new": {"en": "Has not told anything yet.", "nl": "Heeft nog niets verteld."},
    "sensor.fine": {
        "en": "Tells what its neighbours and its past make likely.",
        "nl": "Meldt wat zijn buren en zijn verleden waarschijnlijk maken.",
    },
    "sensor.reported": {
        "en": "Somebody who was there at {time} told of about {people} persons.",
        "nl": "Wie er om {time} was, meldde ongeveer {people} personen.",
    },
    "sensor.missing": {
        "en": "No sensor watches this gate. Who passes there is guessed: the interval grows until the zone is empty again.",
        "nl": "Geen sensor bewaakt deze doorgang. Wie daar passeert is giswerk: de marge groeit tot het gebied weer leeg is.",
    },
    "sensor.left-out": {
        "en": "Not heard, or not believable then: its share was estimated.",
        "nl": "Niet gehoord, of toen niet geloofwaardig: zijn aandeel is geschat.",
    },
    "sensor.silent": {
        "en": "Not heard since {heard}. Its share is estimated from its neighbours and what is usual; the interval is wider.",
        "nl": "Niets gehoord sinds {heard}. Zijn aandeel wordt geschat uit zijn buren en het gebruikelijke; de marge is breder.",
    },
    "sensor.stuck": {
        "en": "Told {said} for {repeats} intervals in a row, where about {expected} is expected."
        " Left out: its share is estimated, the interval is wider.",
        "nl": "Meldde {repeats} keer op rij {said}, waar ongeveer {expected} te verwachten is."
        " Telt niet mee: zijn aandeel wordt geschat, de marge is breder.",
    },
    "sensor.doubtful": {
        "en": "Told {said} where about {expected} is expected. What is not believable is left out: that share is estimated.",
        "nl": "Meldde {said} waar ongeveer {expected} te verwachten is. Wat ongeloofwaardig is telt niet mee: dat wordt geschat.",
    },
    "sensor.drifting-less": {
        "en": "Counts {moved} fewer people than it used to. The picture corrects for it.",
        "nl": "Telt {moved} minder mensen dan vroeger. Het beeld corrigeert daarvoor.",
    },
    "sensor.drifting-more": {
        "en": "Counts {moved} more people than it used to. The picture corrects for it.",
        "nl": "Telt {moved} meer mensen dan vroeger. Het beeld corrigeert daarvoor.",
    },
    "sensor.lying-less": {
        "en": "Suddenly counts {moved} fewer people than it used to. The picture corrects for it; have it looked at.",
        "nl": "Telt ineens {moved} minder mensen dan vroeger. Het beeld corrigeert daarvoor; laat er iemand naar kijken.",
    },
    "sensor.lying-more": {
        "en": "Suddenly counts {moved} more people than it used to. The picture corrects for it; have it looked at.",
        "nl": "Telt ineens {moved} meer mensen dan vroeger. Het beeld corrigeert daarvoor; laat er iemand naar kijken.",
    },
    "sensor.drifting": {
        "en": "Its calibration moved. The picture corrects for it.",
        "nl": "Zijn ijking is verschoven. Het beeld corrigeert daarvoor.",
    },
    "log.forecast-break": {
        "en": "The level at {place} has changed: the forecast's past tells little now, its intervals are wide.",
        "nl": "Het niveau bij {place} is veranderd: het verleden zegt nu weinig, de marges van de verwachting zijn breed.",
    },
    "log.forecast-break-all": {
        "en": "The level of the whole lab has changed: the forecast's past tells little now, its intervals are wide.",
        "nl": "Het niveau is overal veranderd: het verleden zegt nu weinig, de marges van de verwachting zijn breed.",
    },
    "log.forecast-mended": {
        "en": "The forecast for {place} is as good as it was again.",
        "nl": "De verwachting voor {place} is weer zo goed als voorheen.",
    },
    "log.forecast-mended-all": {
        "en": "The forecast for the whole lab is as good as it was again.",
        "nl": "De verwachting is overal weer zo goed als voorheen.",
    },
    "caveat.broken": {
        "en": "The level here has just changed: the past tells little. The forecast follows the last days, in a wide interval.",
        "nl": "Het niveau is hier net veranderd: het verleden zegt weinig. De verwachting volgt de laatste dagen, ruim.",
    },
    "caveat.young": {
        "en": "Less than two weeks of past are known here: the forecast leans on other places, in a wider interval.",
        "nl": "Hier zijn minder dan twee weken verleden bekend: de verwachting leunt op andere plekken, met bredere marge.",
    },
    "log.not-run": {
        "en": "Algorithm {algorithm} is not registered for this moment, so it does not run.",
        "nl": "Algoritme {algorithm} staat voor dit moment niet in het register en draait dus niet.",
    },
}
_SENTENCES |= CROWDS | DELIVERY | COMPARING | PARTNERS | SHARING | TRACKS
_MODES = {"live": {"en": "live", "nl": "live"}, "replay": {"en": "replay", "nl": "herhaling"}}
IDENTIFIERS = {
    "a number plate": "een kenteken",
    "a citizen's number": "een burgerservicenummer",
    "a travel document": "een reisdocument",
    "a phone's number": "het nummer van een telefoontoestel",
    "a phone number": "een telefoonnummer",
    "a face": "een gezicht",
    "a biometric feature": "een biometrisch kenmerk",
    "a picture": "een foto",
    "a hash of an identifier": "een hash van een identificatie",
    "a person's name": "de naam van een persoon",
    "a device's address": "het adres van een apparaat",
    "an internet address": "een internetadres",
    "an e-mail address": "een e-mailadres",
}
"""What the gatekeeper finds (``intake.identifiers``), in Dutch."""

_NO_MEASURE = {"en": "No measure taken", "nl": "Geen maatregel genomen"}
_SEEN = {"en": "Seen, nothing done", "nl": "Gezien, niets gedaan"}
_WHO = {"system": {"en": "system", "nl": "systeem"}, **ROLE_NAMES}


_SURE = 0.99


class Words:
    """Writes sentences for one lab in one language."""

    def __init__(self, lab: Lab, language: str) -> None:
        self._lab = lab
        self._language = language
        self._zone: ZoneInfo = lab.zone

    def place(self, key: str) -> str:
        """Name of a zone, count point or gate."""
        found = self._lab.zones.get(key) or self._lab.count_points.get(key) or self._lab.gates.get(key)
        return key if found is None else pick(found.name, self._language)

    def reason(self, reason: Reason) -> str:
        """One reason of a warning as a sentence; flows are told in persons an hour."""
        return self._fill(f"reason.{reason.kind}", dict(reason.figures))

    def log(self, entry: LogEntry) -> str:
        """One line of the logbook."""
        figures: dict[str, Any] = {"warning": entry.warning, **entry.body}
        figures.pop("predicted", None)  # for charts
        if entry.place is not None:
            figures["place"] = self.place(entry.place)
        measure = self._lab.measures.get(str(figures.get("measure")))
        if measure is not None:
            figures["measure"] = pick(measure.name, self._language)
        if "reason" in figures and str(figures.get("why")).startswith("link."):
            figures["reason"] = reason_in(str(figures["reason"]), self._language)
        if "why" in figures:
            figures["why"] = self.sentence(figures["why"], figures)
        kind = entry.kind
        if kind == "opened" and figures.get("lead_us") == 0:
            kind = "opened-now"
        if kind == "note" and entry.place is not None:
            kind = "note-place"
        if kind == "contributed":
            kind = f"contributed-{figures['told']}"
        return self._fill(f"log.{kind}", figures).strip()

    def sentence(self, key: str, figures: dict[str, Any]) -> str:
        """One sentence of those above, with its figures."""
        return self._fill(key, figures)

    def sentence_or(self, key: str, other: str, figures: dict[str, Any]) -> str:
        """One sentence, or the other where there is no such sentence, or it needs figures that are not at hand."""
        try:
            return self._fill(key, figures)
        except KeyError:
            return self._fill(other, figures)

    def sensor(self, key: str) -> str:
        """Name of a sensor, or of a gate that has none."""
        found = self._lab.sensors.get(key) or self._lab.gates.get(key)
        return key if found is None else pick(found.name, self._language)

    def decision(self, decision: str | None) -> str | None:
        """What was decided about a warning: the name of the measure, or that none was taken."""
        if decision is None:
            return None
        measure = self._lab.measures.get(decision)
        if measure is not None:
            return pick(measure.name, self._language)
        return pick(_SEEN if decision == "seen" else _NO_MEASURE, self._language)

    def is_measure(self, decision: str) -> bool:
        """Whether a decision is a measure of the playbook."""
        return decision in self._lab.measures

    def who(self, who: str) -> str:
        """Who did it, a role or the system, as it is said."""
        return pick(_WHO.get(who, who), self._language)

    def _fill(self, key: str, figures: dict[str, Any]) -> str:
        return pick(_SENTENCES[key], self._language).format(**{name: self._write(name, value) for name, value in figures.items()})

    def _write(self, name: str, value: Any) -> str:
        language = self._language
        if name in ("heard", "ends"):
            return str(format_datetime(from_us(int(value)), "d MMM HH:mm", tzinfo=self._zone, locale=language))
        if name in ("time", "start", "end", "until"):
            return str(format_datetime(from_us(int(value)), "HH:mm", tzinfo=self._zone, locale=language))
        if name == "probability":
            # a forecast is never sure
            return f">{format_percent(_SURE, locale=language)}" if value > _SURE else str(format_percent(value, locale=language))
        if name in ("sensor", "gate"):
            return self.sensor(str(value))
        if name in ("share", "moved"):
            return str(format_percent(value, locale=language))
        if name == "ratio":
            return str(format_decimal(value, format="0.0", locale=language))
        if name == "unit":
            return unit(str(value), language)
        if name == "identifier":
            return identifier(str(value), language)
        if name == "mode":
            return pick(_MODES[value], language)
        if name == "condition":
            return pick(CONDITIONS[value], language)
        if name == "name":
            return pick(value, language) if isinstance(value, dict) else str(value)
        if isinstance(value, float):
            return str(format_decimal(round(value), format="#,##0", locale=language))
        return str(value)


def identifier(kind: str, language: str) -> str:
    """A kind of identifier as it is written in a language.  >>> identifier("a face", "nl") 'een gezicht'"""
    return IDENTIFIERS.get(kind, kind) if language == "nl" else kind


def unit(name: str, language: str) -> str:
    """A unit as it is written in a language.  >>> unit("persons/h", "nl") 'personen/uur'"""
    return {"persons": "personen", "persons/h": "personen/uur"}.get(name, name) if language == "nl" else name
