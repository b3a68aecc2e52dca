"""An agreement in sentences that a crowd manager reads, in Dutch and English: who gets what, how exact, under which duties."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.lists import format_list
from babel.numbers import format_decimal

from ruimte.clock import SECOND_US, from_us
from ruimte.lab.lab import Lab
from ruimte.share.agreement import ALL, Form, Grant
from ruimte.text import pick

_LOCALES = {"en": "en_GB", "nl": "nl_NL"}
LOGGED: dict[str, dict[str, str]] = {
    "log.agreement-proposed": {
        "en": "Agreement {agreement} with {partner} proposed, and signed for this node.",
        "nl": "Overeenkomst {agreement} met {partner} voorgesteld, en namens deze node ondertekend.",
    },
    "log.agreement-received": {
        "en": "File of agreement {agreement} with {partner} taken in.",
        "nl": "Bestand van overeenkomst {agreement} met {partner} ingelezen.",
    },
    "log.agreement-signed": {
        "en": "Agreement {agreement} with {partner} signed.",
        "nl": "Overeenkomst {agreement} met {partner} ondertekend.",
    },
    "log.agreement-rejected": {
        "en": "Agreement {agreement} with {partner} rejected.",
        "nl": "Overeenkomst {agreement} met {partner} afgewezen.",
    },
    "log.agreement-revoked": {
        "en": "Agreement {agreement} with {partner} taken back.",
        "nl": "Overeenkomst {agreement} met {partner} ingetrokken.",
    },
}
"""Lines of the logbook."""

_WORDS: dict[str, dict[str, str]] = {
    "title": {"en": "{consumer} gets from {provider}", "nl": "{consumer} krijgt van {provider}"},
    "tells": {"en": "{consumer} tells {provider}", "nl": "{consumer} vertelt aan {provider}"},
    "what": {"en": "{kinds}, of {places}.", "nl": "{kinds}, van {places}."},
    "quantities": {"en": "Figures: {quantities}, every {step}.", "nl": "Cijfers: {quantities}, elke {step}."},
    "steps": {"en": "Every {step}.", "nl": "Elke {step}."},
    "areas": {"en": "Put together: {areas}.", "nl": "Samengenomen: {areas}."},
    "exact": {"en": "Exact figures.", "nl": "Exacte cijfers."},
    "rounded": {"en": "Rounded to {round_to}.", "nl": "Afgerond op {round_to}."},
    "suppressed": {
        "en": "Figures that rest on fewer than {minimum} people are left out.",
        "nl": "Cijfers die op minder dan {minimum} mensen berusten worden weggelaten.",
    },
    "private": {
        "en": "With noise, so that nobody can be picked out: ε {epsilon} a day.",
        "nl": "Met ruis, zodat niemand eruit te lichten is: ε {epsilon} per dag.",
    },
    "because": {
        "en": "The noise hides who is in at most {intervals} steps a day: {assumption}",
        "nl": "De ruis verbergt wie op een dag in ten hoogste {intervals} stappen voorkomt: {assumption}",
    },
    "contributions": {"en": "May tell: {kinds}, about {places}.", "nl": "Mag melden: {kinds}, over {places}."},
    "duties": {
        "en": "{consumer} deletes it after {after}, names {source} as the source, and {onward}.",
        "nl": "{consumer} wist het na {after}, noemt {source} als bron, en {onward}.",
    },
    "onward": {"en": "may pass it on", "nl": "mag het doorgeven"},
    "not-onward": {"en": "may not pass it on", "nl": "mag het niet doorgeven"},
    "everywhere": {"en": "all places of {lab}", "nl": "alle plekken van {lab}"},
    "all-zones": {"en": "all zones and count points of {lab}", "nl": "alle gebieden en telpunten van {lab}"},
    "all-gates": {"en": "all gates of {lab}", "nl": "alle doorgangen van {lab}"},
    "at": {"en": "{places} ({lab})", "nl": "{places} ({lab})"},
    "stops-getting": {
        "en": "{consumer} gets nothing more, from its next request on: {kinds}.",
        "nl": "{consumer} krijgt niets meer, vanaf het eerstvolgende verzoek: {kinds}.",
    },
    "stops-telling": {
        "en": "{consumer} can tell nothing more: {kinds}.",
        "nl": "{consumer} kan niets meer melden: {kinds}.",
    },
    "begins": {"en": "Signed by all; begins on {day}.", "nl": "Door allen ondertekend; begint op {day}."},
    "waits": {"en": "Waits for {names} to sign.", "nl": "Wacht op ondertekening door {names}."},
    "dated": {"en": "A signature is dated in the future.", "nl": "Een handtekening draagt een datum in de toekomst."},
    "last-day": {"en": "In force; less than a day left.", "nl": "Van kracht; nog minder dan een dag."},
    "day-left": {"en": "In force; 1 day left.", "nl": "Van kracht; nog 1 dag."},
    "days-left": {"en": "In force; {days} days left.", "nl": "Van kracht; nog {days} dagen."},
    "rejected": {"en": "Rejected by {name} on {day}.", "nl": "Afgewezen door {name} op {day}."},
    "revoked": {"en": "Taken back by {name} on {day}.", "nl": "Ingetrokken door {name} op {day}."},
    "expired": {"en": "Over since {day}.", "nl": "Verlopen op {day}."},
    "accept": {"en": "signed on {day}", "nl": "ondertekend op {day}"},
    "reject": {"en": "rejected on {day}", "nl": "afgewezen op {day}"},
    "revoke": {"en": "taken back on {day}", "nl": "ingetrokken op {day}"},
    "unsigned": {"en": "not signed yet", "nl": "nog niet ondertekend"},
    "part-over": {"en": "This part was taken back.", "nl": "Dit deel is ingetrokken."},
    "no-part": {"en": "Gives nothing yet: {why}.", "nl": "Geeft nog niets: {why}."},
}
_KINDS: dict[str, dict[str, str]] = {
    "state": {"en": "how busy it is now", "nl": "hoe druk het nu is"},
    "forecast": {"en": "how busy it is expected to be", "nl": "hoe druk het naar verwachting wordt"},
    "warnings": {"en": "warnings", "nl": "waarschuwingen"},
    "history": {"en": "how busy it was", "nl": "hoe druk het was"},
    "zone-status": {"en": "how full zones are", "nl": "hoe vol gebieden zijn"},
    "closures": {"en": "closures", "nl": "afsluitingen"},
    "arrivals": {"en": "expected arrivals", "nl": "verwachte aankomsten"},
}
_QUANTITIES: dict[str, dict[str, str]] = {
    "people": {"en": "people", "nl": "mensen"},
    "density": {"en": "people per m²", "nl": "mensen per m²"},
    "inflow": {"en": "people in per hour", "nl": "mensen erin per uur"},
    "outflow": {"en": "people out per hour", "nl": "mensen eruit per uur"},
    "flow": {"en": "passers-by per hour", "nl": "passanten per uur"},
    "level": {"en": "level of service", "nl": "drukteniveau"},
}
_REGIMES: dict[str, dict[str, str]] = {
    "none": {"en": "none (anonymous figures)", "nl": "geen (anonieme cijfers)"},
    "gdpr": {"en": "GDPR", "nl": "AVG"},
    "wpg": {"en": "Police Data Act (Wpg)", "nl": "Wet politiegegevens (Wpg)"},
}
_REASONS: dict[str, dict[str, str]] = {
    "no-agreement": {"en": "no agreement gives that", "nl": "geen overeenkomst geeft dat"},
    "not-yet-valid": {"en": "the agreement is not in force yet", "nl": "de overeenkomst is nog niet van kracht"},
    "expired": {"en": "the agreement is over", "nl": "de overeenkomst is verlopen"},
    "revoked": {"en": "the agreement was taken back", "nl": "de overeenkomst is ingetrokken"},
    "purpose": {"en": "asked for another purpose", "nl": "gevraagd voor een ander doel"},
    "action": {"en": "asked for another kind of data", "nl": "gevraagd om een ander soort gegevens"},
    "places": {"en": "asked for other places", "nl": "gevraagd om andere plekken"},
    "quantities": {"en": "asked for other figures", "nl": "gevraagd om andere cijfers"},
    "step": {"en": "asked for a finer step", "nl": "gevraagd om een fijnere stap"},
    "forbidden-by-lab": {"en": "a rule of this lab forbids it", "nl": "een regel van dit lab verbiedt het"},
    "engine-failed": {"en": "it could not be decided", "nl": "er kon niet over worden beslist"},
    "log-failed": {"en": "the log could not be written", "nl": "het logboek was niet te schrijven"},
    "budget": {"en": "the privacy budget was spent", "nl": "het privacybudget was op"},
}
_TIMES: dict[str, dict[str, tuple[str, str]]] = {
    "s": {"en": ("second", "seconds"), "nl": ("seconde", "seconden")},
    "m": {"en": ("minute", "minutes"), "nl": ("minuut", "minuten")},
    "h": {"en": ("hour", "hours"), "nl": ("uur", "uur")},
    "d": {"en": ("day", "days"), "nl": ("dag", "dagen")},
    "w": {"en": ("week", "weeks"), "nl": ("week", "weken")},
}


class ShareWords:
    """Writes of agreements for one lab in one language. What others wrote is put in as it is, never read as a form to fill."""

    def __init__(self, lab: Lab, language: str) -> None:
        self._lab, self.language, self._locale = lab, language, _LOCALES[language]
        self._zone: ZoneInfo = lab.zone

    def __call__(self, key: str, **figures: object) -> str:
        """One sentence of those above, with its figures."""
        return pick(_WORDS[key], self.language).format(**figures)

    def day(self, at_s: int) -> str:
        """A day of the lab: 5 May 2026."""
        return str(format_date(from_us(at_s * SECOND_US).astimezone(self._zone), "d MMM y", locale=self._locale))

    def listed(self, parts: Iterable[str]) -> str:
        """This, that and the other."""
        return str(format_list([*parts], locale=self._locale))

    def kinds(self, keys: Iterable[str]) -> str:
        return self.listed(pick(_KINDS[key], self.language) for key in keys)

    def kind(self, key: str) -> str:
        return pick(_KINDS[key], self.language)

    def quantity(self, key: str) -> str:
        return pick(_QUANTITIES[key], self.language)

    def regime(self, key: str) -> str:
        return pick(_REGIMES[key], self.language)

    def reason(self, key: str) -> str:
        return pick(_REASONS.get(key, key), self.language)

    def decimal(self, value: float) -> str:
        return str(format_decimal(value, format="0.###", locale=self._locale))

    def length(self, text: str) -> str:
        """``30d`` as it is said: 30 days."""
        number, unit = int(text.strip()[:-1]), text.strip()[-1]
        one, more = _TIMES[unit][self.language]
        return f"{number} {one if number == 1 else more}"

    def title(self, grant: Grant, names: Mapping[str, str]) -> str:
        key = "title" if grant.properties.what.kinds else "tells"
        return self(key, consumer=names[grant.consumer], provider=names[grant.provider])

    def terms(self, grant: Grant, names: Mapping[str, str]) -> list[str]:
        """What a grant says, a sentence each."""
        terms, what = grant.properties, grant.properties.what
        told = []
        if what.kinds:
            told.append(_sentence(self("what", kinds=self.kinds(what.kinds), places=self.places(grant))))
            if what.quantities:
                quantities = self.listed(self.quantity(key) for key in what.quantities)
                told.append(self("quantities", quantities=quantities, step=self._every(terms.form.step)))
            else:
                told.append(self("steps", step=self._every(terms.form.step)))
            told += self._areas(grant)
            told += self.exactness(terms.form)
        if what.contributions:
            told.append(self("contributions", kinds=self.kinds(what.contributions), places=self.places(grant)))
        if what.kinds:
            told.append(self._duties(grant, names))
        return told

    def exactness(self, form: Form) -> list[str]:
        """How exact figures are."""
        told = []
        if form.exactness == "exact" and form.round_to == 1:
            told.append(self("exact"))
        if form.privacy is not None:
            told.append(self("private", epsilon=self.decimal(form.privacy.epsilon_per_day)))
            told.append(self("because", intervals=form.privacy.intervals, assumption=form.privacy.assumption))
        if form.round_to > 1:
            told.append(self("rounded", round_to=form.round_to))
        if form.minimum:
            told.append(self("suppressed", minimum=form.minimum))
        return told

    def places(self, grant: Grant) -> str:
        """The places by their names, where they are this lab's; those of others by their keys."""
        what = grant.properties.what
        lab = pick(self._lab.file.name, self.language) if grant.lab == self._lab.key else grant.lab
        if ALL in what.zones and ALL in what.gates:
            return self("everywhere", lab=lab)
        parts = [self("all-zones", lab=lab)] if ALL in what.zones else []
        named = [self.place(grant.lab, key) for key in (*what.zones, *what.gates) if key != ALL]
        parts += [self("at", places=self.listed(named), lab=lab)] if named else []
        parts += [self("all-gates", lab=lab)] if ALL in what.gates else []
        return self.listed(parts)

    def place(self, lab: str, key: str) -> str:
        """Name of a zone, count point or gate."""
        own = self._lab
        found = own.zones.get(key) or own.count_points.get(key) or own.gates.get(key)
        return key if lab != own.key or found is None else pick(found.name, self.language)

    def stops(self, grant: Grant, names: Mapping[str, str]) -> list[str]:
        """What stops when a grant ends."""
        what, consumer = grant.properties.what, names[grant.consumer]
        told = [self("stops-getting", consumer=consumer, kinds=self.kinds(what.kinds))] if what.kinds else []
        if what.contributions:
            told.append(self("stops-telling", consumer=consumer, kinds=self.kinds(what.contributions)))
        return told

    def _areas(self, grant: Grant) -> list[str]:
        areas = grant.properties.form.areas
        told = [f"{name} = {' + '.join(self.place(grant.lab, key) for key in keys)}" for name, keys in areas.items()]
        return [self("areas", areas="; ".join(told))] if told else []

    def _duties(self, grant: Grant, names: Mapping[str, str]) -> str:
        duties = grant.properties.duties
        return self(
            "duties",
            consumer=names[grant.consumer],
            after=self.length(duties.delete_after),
            source=duties.name_source,
            onward=self("onward" if duties.onward_sharing else "not-onward"),
        )

    def _every(self, step: str) -> str:
        """``5m``: 5 minutes; ``1h``: hour."""
        return self.length(step).removeprefix("1 ")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
