"""The words that the page's scripts say. ``{name}`` is filled in by the script."""

from __future__ import annotations

from ruimte.web.words import Words


def script_words(words: Words) -> dict[str, str]:
    """All of them, in one language."""
    return {
        "live": words("Live"),
        "replay": words("Replay"),
        "starting": words("Starting"),
        "ended": words("Replay ended"),
        "noData": words("No live data"),
        "noDataLong": words("No live data for {time}. What you see is the last known picture."),
        "gettingReady": words("Getting ready: {progress}. The map fills in by itself."),
        "lookingBack": words("Looking back: {time}. What you see is the past."),
        "persons": words("persons"),
        "personsPerHour": words("persons/h"),
        "normal": words("normal"),
        "level": words("level {level}"),
        "silent": words("silent"),
        "notKnown": words("not known"),
        "zoomIn": words("Zoom in"),
        "zoomOut": words("Zoom out"),
        "noTiles": words("The background map does not answer; it has been left out."),
        "ahead": words("expected {level} at {time}, chance {chance}"),
        "sentenceNow": words("{place}: {figure} {unit} now ({low}–{high})"),
        "sentenceThen": words("{place}: {figure} {unit} at {time} ({low}–{high})"),
        "sentenceSilent": words("{place}: silent, no sensor is heard"),
        "sentenceUnknown": words("{place}: not known"),
        "sentenceAboveNow": words("above {level} now, which starts at {figure}"),
        "sentenceAboveThen": words("above {level} then, which started at {figure}"),
        "sentencePeak": words("highest expected at {time}: {figure} ({low}–{high})"),
        "sentenceAhead": words("expected at {time}: {figure} ({low}–{high})"),
        "sentenceThreshold": words("{level} then starts at {figure}"),
        "sentenceChance": words("chance {chance}"),
        "readoutPast": words("{time}: {figure} ({low}–{high})"),
        "readoutAhead": words("{time}: expected {figure} ({low}–{high})"),
        "now": words("now"),
        "newWarning": words("New warning: {text}"),
        "justMoved": words("The list just moved: click once more."),
        "noAnswer": words("The node does not answer; nothing was changed."),
        "notPossible": words("That did not work: {why}"),
    }
