"""Sentences about devices that tell tracks."""

from __future__ import annotations

SENTENCES: dict[str, dict[str, str]] = {
    "tracks.off": {
        "en": "Figures from tracks are off: the register does not allow them now. Tracks are dropped.",
        "nl": "Cijfers uit sporen staan uit: het register staat ze nu niet toe. Sporen worden weggegooid.",
    },
    "tracks.starting": {
        "en": "Getting ready to measure; on a new machine that takes a minute.",
        "nl": "Het meten wordt klaargezet; op een nieuwe machine duurt dat een minuut.",
    },
    "tracks.never": {"en": "Nothing was heard yet.", "nl": "Er is nog niets gehoord."},
    "tracks.silent": {"en": "Nothing heard for {seconds} s.", "nl": "Al {seconds} s niets gehoord."},
    "tracks.ahead": {
        "en": "Its clock is ahead of the node's: {frames} frames were dropped.",
        "nl": "De klok loopt voor op die van het programma: {frames} beelden weggegooid.",
    },
    "tracks.behind": {
        "en": "Its clock is behind the node's, or its network is: {frames} frames were dropped.",
        "nl": "De klok of het netwerk loopt achter op het programma: {frames} beelden weggegooid.",
    },
    "tracks.unreadable": {
        "en": "It tells places in a picture, and the register has no homography for it: {frames} frames were dropped.",
        "nl": "Het apparaat noemt plekken in een beeld, en het register kent geen homografie: {frames} beelden weggegooid.",
    },
    "tracks.another": {
        "en": "It tells tracks of another sensor too; those were dropped ({frames} frames): give each sensor its own device.",
        "nl": "Het apparaat meldt ook sporen van een andere sensor; die zijn weggegooid ({frames} beelden): geef elke sensor een"
        " eigen apparaat.",
    },
    "tracks.elsewhere": {
        "en": "Most positions are outside its view, or impossibly close: check its ground in the register. No figures.",
        "nl": "De meeste posities liggen buiten het zicht, of onmogelijk dicht opeen: controleer de ligging in het register."
        " Geen cijfers.",
    },
    "tracks.outside": {
        "en": "{percent}% of the positions do not count: they are outside its view, or unusable. If it sees no further than that,"
        " check its ground in the register.",
        "nl": "{percent}% van de posities telt niet mee: buiten het zicht, of onbruikbaar. Ziet het apparaat niet verder dan dat,"
        " controleer dan de ligging in het register.",
    },
    "tracks.slow": {
        "en": "Sees {frames} of {expected} frames: the node cannot keep up.",
        "nl": "Ziet {frames} van {expected} beelden: het programma kan het niet bijhouden.",
    },
    "tracks.disorder": {
        "en": "Sees {frames} of {expected} frames: others come too late, or twice.",
        "nl": "Ziet {frames} van {expected} beelden: andere komen te laat, of dubbel.",
    },
    "tracks.missing": {
        "en": "Sees {frames} of {expected} frames a second.",
        "nl": "Ziet {frames} van {expected} beelden per seconde.",
    },
    "log.tracks-sensors-off": {
        "en": "Figures from tracks of {device} stopped: none of its sensors is registered for this moment.",
        "nl": "Cijfers uit sporen van {device} zijn gestopt: geen van de sensoren staat voor dit moment in het register.",
    },
    "log.tracks-failed": {
        "en": "Figures from tracks of {device} stopped for a moment: a fault of the software ({error}).",
        "nl": "Cijfers uit sporen van {device} vielen even uit: een fout in het programma ({error}).",
    },
}
