"""The languages of the pages: translated text, and numbers and times as the reader writes them."""

from __future__ import annotations

import gettext
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from io import BytesIO
from zoneinfo import ZoneInfo

from babel import dates, numbers
from babel.core import negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from ruimte.text import LANGUAGES

LOCALES = {"en": "en_GB", "nl": "nl_NL"}


@cache
def catalogue(language: str) -> gettext.NullTranslations:
    """The translations into a language; English is the source and needs none."""
    if language == "en":
        return gettext.NullTranslations()
    with files("ruimte.web").joinpath(f"locale/{language}/LC_MESSAGES/ruimte.po").open("rb") as source:
        messages = read_po(source, locale=language)
    compiled = BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def preferred(accept_language: str) -> str:
    """The language of the house that an ``Accept-Language`` header likes best, else English.

    >>> preferred("fr, nl-BE;q=0.8, en;q=0.5")
    'nl'
    """
    wishes = []
    for part in accept_language.split(","):
        name, _, weight = part.strip().partition(";q=")
        try:
            wishes.append((-float(weight or 1), name.split("-")[0].lower()))
        except ValueError:
            continue
    wishes.sort(key=lambda wish: wish[0])
    return negotiate_locale([name for _, name in wishes], LANGUAGES) or "en"


def marked(text: str) -> str:
    """The text itself, marked as one for the catalogue: it is said to programs in English, on pages in the page's language."""
    return text


class Words:
    """Text, numbers and times in one language and one time zone."""

    def __init__(self, language: str, zone: ZoneInfo) -> None:
        self.language = language
        self.locale = LOCALES[language]
        self.zone = zone
        self.translations = catalogue(language)

    def __call__(self, text: str, **values: object) -> str:
        """The text in this language, its ``%(name)s`` filled in."""
        translated = self.translations.gettext(text)
        return translated % values if values else translated

    def number(self, value: float | None) -> str:
        """A whole number, grouped; ``?`` where it is not known.

        >>> Words("nl", ZoneInfo("Europe/Amsterdam")).number(1408.7)
        '1.409'
        """
        return "?" if value is None else numbers.format_decimal(round(value), locale=self.locale)

    def decimal(self, value: float, digits: int = 1) -> str:
        """A number with so many decimals.

        >>> Words("nl", ZoneInfo("Europe/Amsterdam")).decimal(1.38)
        '1,4'
        """
        return numbers.format_decimal(value, format=f"0.{'0' * digits}", locale=self.locale)

    def figure(self, value: float) -> str:
        """A number of any size in three digits that count.

        >>> Words("en", ZoneInfo("UTC")).figure(0.01234)
        '0.0123'
        """
        return numbers.format_decimal(value, format="@##" if value else "0", locale=self.locale)

    def share(self, value: float) -> str:
        """A share in whole percents.

        >>> Words("en", ZoneInfo("UTC")).share(0.126)
        '13%'
        """
        return numbers.format_percent(value, locale=self.locale)

    def percent(self, share: float) -> str:
        """A chance in whole percents, never 0 % or 100 %: no forecast is that sure.

        >>> Words("en", ZoneInfo("UTC")).percent(0.999)
        '>99%'
        """
        if share > 0.99:
            return f">{numbers.format_percent(0.99, locale=self.locale)}"
        if share < 0.01:
            return f"<{numbers.format_percent(0.01, locale=self.locale)}"
        return numbers.format_percent(share, locale=self.locale)

    def clock(self, time: str) -> str:
        """The lab's wall time of an ISO time: ``23:00``."""
        return dates.format_time(self._local(time), "HH:mm", locale=self.locale)

    def moment(self, time: str, now: str) -> str:
        """As ``clock``, with the day where it is not today's."""
        local = self._local(time)
        if local.date() == self._local(now).date():
            return self.clock(time)
        return dates.format_datetime(local, "d MMM HH:mm", locale=self.locale)

    def last_day(self, end: str) -> str:
        """The last day of a time that ends at an ISO time, with its year: that of a midnight is the day before.

        >>> Words("en", ZoneInfo("Europe/Amsterdam")).last_day("2027-11-25T23:00:00Z")
        '25 Nov 2027'
        """
        return dates.format_date(self._local(end) - timedelta(seconds=1), "d MMM y", locale=self.locale)

    def duration(self, seconds: float) -> str:
        """A length of time in hours and minutes.

        >>> Words("nl", ZoneInfo("Europe/Amsterdam")).duration(7800)
        '2 u 10 min'
        """
        hours, minutes = divmod(round(seconds / 60), 60)
        hour, minute = self("h"), self("min")
        if not hours:
            return f"{minutes} {minute}"
        return f"{hours} {hour} {minutes} {minute}" if minutes else f"{hours} {hour}"

    def unit(self, unit: str) -> str:
        """The name of a unit of the room's views."""
        return self("persons/h") if unit == "persons/h" else self("persons")

    def level(self, level: str | None) -> str:
        """A level as it is said: ``P95`` and ``normal`` name themselves, A–F are levels of service."""
        if level is None:
            return self("not known")
        if level == "normal":
            return self("normal")
        return level if level.startswith("P") else self("level %(level)s", level=level)

    def _local(self, time: str) -> datetime:
        return datetime.fromisoformat(time).astimezone(self.zone)
