"""What is told of danger indicators and distances between people, in words."""

from __future__ import annotations

from babel.numbers import format_decimal

from ruimte.jobs.crowd_view import IndicatorView
from ruimte.text import pick
from ruimte.tracks.danger import LABEL, Indicator, Parameter
from ruimte.tracks.lookout import LEAST_HZ, Indicators

SENTENCES: dict[str, dict[str, str]] = {
    "log.distancing-on": {
        "en": "Distances between people are watched by {device}, until {ends}. Ground: {ground}.",
        "nl": "Afstanden tussen mensen worden gemeten door {device}, tot {ends}. Grondslag: {ground}.",
    },
    "log.distancing-off": {
        "en": "Distances between people are no longer watched by {device}: what was known is forgotten. {why}",
        "nl": "Afstanden tussen mensen worden niet meer gemeten door {device}: wat bekend was is gewist. {why}",
    },
    "distancing.not-registered": {
        "en": "It is not in the algorithm register.",
        "nl": "Het staat niet in het algoritmeregister.",
    },
    "distancing.not-in-use": {
        "en": "In the algorithm register it is not in use.",
        "nl": "In het algoritmeregister is het niet in gebruik.",
    },
    "distancing.no-ground": {
        "en": "The algorithm register names no legal ground.",
        "nl": "Het algoritmeregister noemt geen wettelijke grondslag.",
    },
    "distancing.reversed": {
        "en": "In the algorithm register it ends before it begins.",
        "nl": "Volgens het algoritmeregister eindigt het voor het begint.",
    },
    "distancing.too-long": {
        "en": "It may hold for 90 days at most, and is registered for longer.",
        "nl": "Het mag hoogstens 90 dagen gelden, en staat langer in het register.",
    },
    "distancing.not-yet": {"en": "It has not begun yet.", "nl": "Het is nog niet begonnen."},
    "distancing.over": {
        "en": "Its time is over. It has to be decided on anew.",
        "nl": "De termijn is voorbij. Er moet opnieuw over worden besloten.",
    },
    "distancing.begun-anew": {
        "en": "More pairs of people at once than there is room for: begun anew.",
        "nl": "Meer paren mensen tegelijk dan er plaats is: opnieuw begonnen.",
    },
}

_NAMES = {
    "pressure": "druk in de menigte",
    "congestion": "verstopping",
    "danger": "gevaar door verstopping",
    "oscillation": "gezamenlijk heen en weer gaan",
}
_FORMULAS = {
    "congestion": "verstopping = (max rot v − min rot v) / gemiddelde |v|; rot v = ∂v_y/∂x − ∂v_x/∂y, uit verschillen van vakken",
    "danger": "gevaar = verstopping × dichtheid",
    "oscillation": "ω = waar |Z(ω)|² + |Z(−ω)|² het grootst is, Z de fouriergetransformeerde van z = gemiddelde v_x + i v_y",
}
_LABEL = "indicator, niet gevalideerd als voorspeller"
_UNITS = {"persons/m²": "personen/m²", "persons m⁻³": "personen m⁻³"}
_PARAMETERS = {
    "averaging radius": "straal van het gemiddelde",
    "window": "tijdvenster",
    "square": "vak",
    "region": "gebied",
    "least density": "minste dichtheid",
    "least people": "minste aantal mensen",
    "least share of area": "minste deel van het gebied",
    "least positions in a square": "minste aantal posities in een vak",
    "least speed": "minste snelheid",
    "shortest period": "kortste periode",
    "least share of power": "minste deel van het vermogen",
    "least periods": "minste aantal perioden",
    "time of a velocity": "tijd van een snelheid",
    "frames used a second": "gebruikte beelden per seconde",
    "error of a position": "fout van een positie",
}
_THRESHOLD = {
    "en": "threshold of the source {value} {unit}, which depends on radius and window",
    "nl": "drempel van de bron {value} {unit}, die afhangt van straal en tijdvenster",
}
_WHY = {
    "few people": {"en": "Too few people for it.", "nl": "Te weinig mensen ervoor."},
    "low density": {"en": "Not crowded enough for it to say something.", "nl": "Niet druk genoeg om iets te zeggen."},
    "short window": {
        "en": "Not seen for long enough yet, or too many frames are missing.",
        "nl": "Nog niet lang genoeg gezien, of er ontbreken te veel beelden.",
    },
    "nobody moves": {"en": "Nobody moves.", "nl": "Niemand beweegt."},
    "no peak": {"en": "No common rhythm.", "nl": "Geen gezamenlijk ritme."},
    "slow": {
        "en": "The device sends fewer than {least} frames a second.",
        "nl": "Het apparaat stuurt minder dan {least} beelden per seconde.",
    },
}


def indicator_views(found: Indicators, too_slow: bool, language: str) -> list[IndicatorView]:
    """The indicators as a reader gets them; ``too_slow``: the device sends too few frames for any."""
    pairs = (("pressure", found.pressure), ("congestion", found.congestion), ("danger", found.danger))
    return [_view(key, each, too_slow, language) for key, each in (*pairs, ("oscillation", found.oscillation))]


def _view(key: str, indicator: Indicator, too_slow: bool, language: str) -> IndicatorView:
    dutch = language == "nl"
    unit = _unit(indicator.unit, dutch)
    beside = [_parameter(each, language) for each in indicator.parameters]
    if indicator.threshold is not None:
        beside.append(pick(_THRESHOLD, language).format(value=_number(indicator.threshold, language), unit=unit))
    unknown = "slow" if too_slow else indicator.unknown
    return IndicatorView(
        key=key,
        name=_NAMES[key] if dutch else indicator.name,
        value=None if unknown else indicator.value,
        unit=unit,
        threshold=indicator.threshold,
        parameters=beside,
        formula=_FORMULAS.get(key, indicator.formula) if dutch else indicator.formula,
        source=indicator.source,
        label=_LABEL if dutch else LABEL,
        why=pick(_WHY[unknown], language).format(least=_number(LEAST_HZ, language)) if unknown else "",
    )


def _parameter(parameter: Parameter, language: str) -> str:
    dutch = language == "nl"
    name = _PARAMETERS[parameter.name] if dutch else parameter.name
    return f"{name} {_number(parameter.value, language)} {_unit(parameter.unit, dutch)}".rstrip()


def _unit(unit: str, dutch: bool) -> str:
    return _UNITS.get(unit, unit) if dutch else unit


def _number(value: float, language: str) -> str:
    return str(format_decimal(value, format="#,##0.###", locale=language))
