"""The words of the reports, and numbers and times as the reader writes them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from babel.numbers import format_decimal, format_percent

from ruimte.clock import HOUR_US, MINUTE_US, SECOND_US, from_us

LOCALES = {"en": "en_GB", "nl": "nl_NL"}
_DUTCH = {
    "After-action report": "Terugblik",
    "Logbook": "Logboek",
    "invented": "verzonnen",
    "The figures of this lab are invented.": "De cijfers van dit lab zijn verzonnen.",
    "In short": "In het kort",
    "Made": "Gemaakt",
    "by Ruimte": "door Ruimte",
    "Nothing is known of this period: no state was estimated in it.": (
        "Van deze periode is niets bekend: er is geen toestand geschat."
    ),
    "Busiest": "Drukst",
    "Warnings": "Waarschuwingen",
    "No warnings.": "Geen waarschuwingen.",
    "no warnings": "geen waarschuwingen",
    "Acknowledged after": "Bevestigd na",
    "Lead time": "Voorsprong",
    "False alarms": "Loos alarm",
    "Missed": "Gemist",
    "Not heard": "Niet gehoord",
    "Forecast": "Verwachting",
    "none acknowledged": "geen bevestigd",
    "none came ahead": "geen kwam vooraf",
    "median": "mediaan",
    "priority": "prioriteit",
    "answered": "beantwoord",
    "with a measure": "met een maatregel",
    "%(ahead)s of %(total)s ahead": "%(ahead)s van %(total)s vooraf",
    "of %(total)s; %(measure)s after a measure": "van %(total)s; %(measure)s na een maatregel",
    "times busy without a warning": "keer druk zonder waarschuwing",
    "silent for over a tenth of the time: %(count)s of %(total)s places": (
        "meer dan een tiende van de tijd stil: %(count)s van %(total)s plekken"
    ),
    "off, %(ahead)s ahead; %(within)s in the 90%% band": "ernaast, %(ahead)s vooruit; %(within)s in de 90%%-band",
    "not known": "niet bekend",
    "Course of the period": "Verloop van de periode",
    "Each place": "Elke plek",
    "Place": "Plek",
    "Worst moment": "Slechtste moment",
    "Level": "Niveau",
    "Figure": "Aantal",
    "90% sure": "90% zeker",
    "At a level that warns": "Op een niveau dat waarschuwt",
    "Silent": "Stil",
    "Opened": "Geopend",
    "Priority": "Prioriteit",
    "Chance": "Kans",
    "Acknowledged": "Bevestigd",
    "after %(time)s, by %(role)s": "na %(time)s, door %(role)s",
    "not acknowledged": "niet bevestigd",
    "Answer": "Antwoord",
    "What became of it": "Hoe het afliep",
    "passed %(time)s later, at %(at)s": "%(time)s later bereikt, om %(at)s",
    "had been passed already": "was al bereikt",
    "not passed": "niet bereikt",
    "not passed; a measure was taken": "niet bereikt; er was een maatregel genomen",
    "not known yet: still open": "nog niet bekend: staat nog open",
    "Busy without a warning": "Druk zonder waarschuwing",
    "From": "Van",
    "Until": "Tot",
    "Decisions": "Besluiten",
    "No decisions were logged.": "Er zijn geen besluiten vastgelegd.",
    "Time": "Tijd",
    "Decision": "Besluit",
    "By": "Door",
    "Expected then": "Toen verwacht",
    "What came": "Wat er kwam",
    "%(figure)s at %(time)s, chance of %(level)s %(chance)s": "%(figure)s om %(time)s, kans op %(level)s %(chance)s",
    "%(level)s had been passed": "%(level)s was al bereikt",
    "at most %(figure)s, at %(time)s; %(level)s (%(limit)s) %(passed)s": (
        "hoogstens %(figure)s, om %(time)s; %(level)s (%(limit)s) %(passed)s"
    ),
    "passed": "bereikt",
    "What came after a decision is not proof that it helped: without it, something else might have come.": (
        "Wat er na een besluit kwam bewijst niet dat het hielp: zonder was het misschien anders gegaan."
    ),
    "Sensors": "Sensoren",
    "No sensor faults were logged.": "Er zijn geen sensorstoringen vastgelegd.",
    "How good the forecast was": "Hoe goed de verwachting was",
    "No forecast of this period can be compared with what came.": (
        "Geen verwachting van deze periode kan vergeleken worden met wat er kwam."
    ),
    "Ahead": "Vooruit",
    "Off by": "Ernaast",
    "As it was": "Zoals het was",
    "In the 90% band": "In de 90%-band",
    "Compared": "Vergeleken",
    "Mean error as a share of the mean figure; ‘as it was’ is that of saying that nothing will change.": (
        "Gemiddelde fout als deel van het gemiddelde; ‘zoals het was’ is die van zeggen dat niets verandert."
    ),
    "What happened": "Wat er gebeurde",
    "Nothing was logged.": "Er is niets vastgelegd.",
    "What these figures rest on": "Waar deze cijfers op steunen",
    "Sensor": "Sensor",
    "Kind": "Soort",
    "Owner": "Eigenaar",
    "Observations": "Waarnemingen",
    "Algorithms": "Algoritmes",
    "Lab files (SHA-256)": "Bestanden van het lab (SHA-256)",
    "Roles are told, never names. People are counted, never followed.": (
        "Rollen worden genoemd, geen namen. Mensen worden geteld, niet gevolgd."
    ),
    "persons": "personen",
    "persons/h": "personen/uur",
    "level %(level)s": "niveau %(level)s",
    "normal": "normaal",
    "h": "u",
    "min": "min",
    "warning": "waarschuwing",
    "decision": "besluit",
    "Levels of every place over time. %(told)s": "Niveaus van elke plek in de tijd. %(told)s",
    "%(place)s: at most %(figure)s at %(time)s (%(level)s).": "%(place)s: hoogstens %(figure)s om %(time)s (%(level)s).",
    "%(place)s: not known.": "%(place)s: niet bekend.",
    "Lab time": "Tijd van het lab",
    "Wall time": "Kloktijd",
    "Number": "Nummer",
    "Warning": "Waarschuwing",
    "Who": "Wie",
    "Text": "Tekst",
    "Print this page: on this node no browser was found to make a PDF of it.": (
        "Druk deze pagina af: deze node vond geen browser om er een PDF van te maken."
    ),
}


class Words:
    """Text, numbers and times of a report, in one language and the lab's time."""

    def __init__(self, language: str, zone: ZoneInfo) -> None:
        self.language = language
        self._locale = LOCALES[language]
        self._zone = zone

    def __call__(self, text: str, **values: object) -> str:
        """The text in this language, its ``%(name)s`` filled in.

        >>> Words("nl", ZoneInfo("UTC"))("level %(level)s", level="E")
        'niveau E'
        """
        said = _DUTCH.get(text, text) if self.language == "nl" else text
        return said % values if values else said

    def number(self, value: float | None) -> str:
        """A whole number, grouped; ``?`` where it is not known."""
        return "?" if value is None or value != value else str(format_decimal(round(value), locale=self._locale))

    def share(self, value: float | None) -> str:
        """A share in whole percents; ``?`` where it is not known."""
        return "?" if value is None or value != value else str(format_percent(round(value, 2), locale=self._locale))

    def chance(self, value: float) -> str:
        """A chance in whole percents, never 0 % or 100 %: no forecast is that sure."""
        if value > 0.99:
            return f">{self.share(0.99)}"
        return f"<{self.share(0.01)}" if value < 0.01 else self.share(value)

    def offset_us(self, us: int) -> int:
        """How far the wall is ahead of UTC then."""
        ahead = from_us(us).astimezone(self._zone).utcoffset()
        return 0 if ahead is None else round(ahead.total_seconds()) * SECOND_US

    def clock(self, us: int) -> str:
        """The lab's wall time: ``23:00``."""
        return str(format_datetime(from_us(us), "HH:mm", tzinfo=self._zone, locale=self._locale))

    def moment(self, us: int) -> str:
        """The day and the wall time: ``31 Dec 23:00``."""
        return str(format_datetime(from_us(us), "d MMM HH:mm", tzinfo=self._zone, locale=self._locale))

    def day(self, us: int) -> str:
        """The whole date and the wall time: ``Tuesday 31 December 2024 23:00``."""
        return str(format_datetime(from_us(us), "EEEE d MMMM y HH:mm", tzinfo=self._zone, locale=self._locale))

    def lasts(self, us: int | None) -> str:
        """A length of time in hours and minutes.

        >>> Words("nl", ZoneInfo("UTC")).lasts(7_800_000_000)
        '2 u 10 min'
        """
        if us is None:
            return "?"
        if 0 < us < MINUTE_US:
            return f"<1 {self('min')}"
        hours, minutes = divmod(round(us / MINUTE_US), HOUR_US // MINUTE_US)
        parts = ([f"{hours} {self('h')}"] if hours else []) + ([f"{minutes} {self('min')}"] if minutes or not hours else [])
        return " ".join(parts)

    def unit(self, unit: str) -> str:
        """A unit as it is said."""
        return self(unit)

    def level(self, level: str) -> str:
        """A level as it is said: A–F are levels of service, ``P95`` and ``normal`` name themselves."""
        if level == "normal":
            return self("normal")
        return level if level.startswith("P") else self("level %(level)s", level=level)
