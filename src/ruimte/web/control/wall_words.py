"""The words that the scripts of the wall display say, beside those of the control room that they share."""

from __future__ import annotations

from ruimte.web.control.script_words import script_words
from ruimte.web.words import Words


def wall_words(words: Words) -> dict[str, str]:
    """All of them, in one language."""
    return script_words(words) | {
        "dataAge": words("Data {time} old"),
        "dataFresh": words("Data less than a minute old"),
        "dataNone": words("No data yet"),
        "wallGone": words("No live data for {time}"),
        "wallGoneMore": words("The node is not heard. What you see is the picture of {time}."),
        "wallStale": words("The warnings are old"),
        "wallStaleMore": words("The node is heard, but does not give its warnings. Look in the control room."),
        "wallUnheard": words("No sensor is heard"),
        "wallUnheardMore": words("How busy it is is not known. It need not be calm."),
        "wallStarting": words("Starting: {progress}"),
        "wallEnded": words("The replay has ended"),
        "wallEndedMore": words("What you see is the picture of {time}."),
        "wallIn": words("in {lead}"),
        "moreWarnings": words("and {count} more warnings"),
        "oneMoreWarning": words("and one more warning"),
    }
