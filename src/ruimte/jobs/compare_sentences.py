"""Sentences about measures that are compared, and about what was predicted of one that was taken."""

from __future__ import annotations

SENTENCES: dict[str, dict[str, str]] = {
    "compare.zone": {"en": "{place} at {at_level}", "nl": "{place} op {at_level}"},
    "compare.more": {"en": "{count} more zones change", "nl": "nog {count} gebieden veranderen"},
    "compare.one-more": {"en": "one more zone changes", "nl": "nog één gebied verandert"},
    "compare.nothing": {
        "en": "no chance changes by a point or more in {minutes} minutes",
        "nl": "geen kans verandert een punt of meer in {minutes} minuten",
    },
    "compare.waiting": {"en": "{people} people wait outside", "nl": "{people} mensen wachten buiten"},
    "compare.trapped": {
        "en": "no way out of {place} for up to {people} people",
        "nl": "geen uitweg uit {place} voor hooguit {people} mensen",
    },
    "compare.trapped-note": {
        "en": "{place} is shut on all sides with up to {people} people inside: open a way out first.",
        "nl": "{place} is aan alle kanten dicht met hooguit {people} mensen erin: open eerst een uitweg.",
    },
    "compare.waiting-note": {
        "en": "Up to {people} more people wait outside {gate_name}.",
        "nl": "Hooguit {people} mensen meer wachten buiten {gate_name}.",
    },
    "compare.idle": {
        "en": "Part of it changes nothing in this time: {actions}.",
        "nl": "Een deel ervan verandert in deze tijd niets: {actions}.",
    },
    "compare.all-idle": {
        "en": "Changes nothing in this time: it works at another time, or not here.",
        "nl": "Verandert in deze tijd niets: het werkt op een andere tijd, of niet hier.",
    },
    "compare.works": {"en": "Works from {time}.", "nl": "Werkt vanaf {time}."},
    "compare.rank": {
        "en": "Time at {at_level} or above, all zones together: {with_min} min, without a measure {without_min} min.",
        "nl": "Tijd op {at_level} of hoger, alle gebieden samen: {with_min} min, zonder maatregel {without_min} min.",
    },
    "compare.rank-people": {
        "en": "{place} at {time}: {with_people} people, without a measure {without_people}.",
        "nl": "{place} om {time}: {with_people} mensen, zonder maatregel {without_people}.",
    },
    "compare.people": {
        "en": "{place} {without_people} → {with_people} people at {time}",
        "nl": "{place} {without_people} → {with_people} mensen om {time}",
    },
    "compare.no-better": {"en": "No better than doing nothing.", "nl": "Niet beter dan niets doen."},
    "compare.rank-trapped": {
        "en": "Last: people have no way out.",
        "nl": "Achteraan: mensen hebben geen uitweg.",
    },
    "compare.members": {
        "en": "Simulated {members} times from the picture of {time}, for {minutes} minutes; the chances are rounded.",
        "nl": "{members} keer gesimuleerd vanuit het beeld van {time}, voor {minutes} minuten; de kansen zijn afgerond.",
    },
    "compare.unknown": {
        "en": "Nothing is told of {places}: how many people are there is not known.",
        "nl": "Over {places} wordt niets gezegd: hoeveel mensen er zijn is niet bekend.",
    },
    "compare.width": {
        "en": "As wide as drawn, for lack of a width: {gates}.",
        "nl": "Zo breed als getekend, want zonder breedte: {gates}.",
    },
    "compare.ending": {
        "en": "An event ends: its visitors are taken to go home the way they came.",
        "nl": "Een evenement loopt af: aangenomen is dat bezoekers naar huis gaan zoals ze kwamen.",
    },
    "effect.measured": {
        "en": "Predicted with {measure_name}: {with_q50} at {time} ({with_q05}–{with_q95}), without: {without_q50};"
        " measured: {measured}.",
        "nl": "Voorspeld met {measure_name}: {with_q50} om {time} ({with_q05}–{with_q95}), zonder: {without_q50};"
        " gemeten: {measured}.",
    },
    "effect.ahead": {
        "en": "Predicted with {measure_name}: {with_q50} at {time} ({with_q05}–{with_q95}), without: {without_q50};"
        " not measured yet.",
        "nl": "Voorspeld met {measure_name}: {with_q50} om {time} ({with_q05}–{with_q95}), zonder: {without_q50};"
        " nog niet gemeten.",
    },
}

DOES: dict[str, dict[str, str]] = {
    "close": {"en": "close", "nl": "sluiten"},
    "open": {"en": "open", "nl": "openen"},
    "hold": {"en": "hold", "nl": "tegenhouden"},
    "width": {"en": "another width", "nl": "andere breedte"},
    "one-way": {"en": "one way", "nl": "eenrichting"},
    "dose": {"en": "dose", "nl": "doseren"},
    "redirect": {"en": "redirect", "nl": "omleiden"},
    "stop-arrivals": {"en": "stop arrivals", "nl": "aankomsten stoppen"},
    "extend-event": {"en": "extend the event", "nl": "evenement verlengen"},
}
"""What actions are called."""
