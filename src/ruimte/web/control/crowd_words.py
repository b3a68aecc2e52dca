"""The names of the level-of-service tables, and the words that the scripts of the density map say beside those of the room."""

from __future__ import annotations

from ruimte.web.words import Words


def table_name(name: str, words: Words) -> str:
    """A table as people call it: whose, of which year, and for what.

    >>> from zoneinfo import ZoneInfo
    >>> table_name("fruin-walkway", Words("nl", ZoneInfo("UTC")))
    'Fruin 1971, lopen'
    """
    names = {
        "fruin-walkway": words("Fruin 1971, walking"),
        "fruin-queueing": words("Fruin 1971, queueing"),
        "hcm-queueing": words("HCM 2000, queueing"),
        "fruin-walkway-flow": words("Fruin 1971, walking, by flow"),
        "hcm-walkway-flow": words("HCM 2000, walking, by flow"),
        "unusual": words("its own past"),
    }
    return names.get(name, name)


def crowd_words(words: Words) -> dict[str, str]:
    """All of them, in one language."""
    return {
        "density": words("Density"),
        "densityNow": words("Density: only now"),
        "densityZoom": words("Go there"),
        "crowdFigures": words("Figures"),
        "crowdLegend": words("Level from so many persons/m²: {table}. Marks are levels, not people."),
        "crowdSilent": words("{name}: no frames for {time}"),
        "crowdNever": words("{name}: no frames yet"),
        "crowdHeard": words("{name}: frames again"),
        "crowdGone": words("The node has not answered for {time}. What you see is old."),
    }
