"""From a warning to what goes out: its words in every language, its place, its history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from shapely.geometry import mapping
from shapely.geometry.polygon import orient

from ruimte.clock import to_us
from ruimte.jobs.room import WarningView
from ruimte.jobs.words import Words
from ruimte.lab.lab import Lab
from ruimte.notify.notice import Notice, Wording
from ruimte.text import LANGUAGES, pick

_ANONYMOUS = frozenset({"acknowledged_by"})
"""What of a warning does not leave the house: who did it."""


def notice(
    lab: Lab,
    views: Mapping[str, WarningView],
    step: str,
    at_us: int,
    *,
    source: str,
    revision: int = 0,
    sequence: int = 0,
    earlier_us: tuple[int, ...] = (),
    standing: Mapping[str, Sequence[WarningView]] | None = None,
) -> Notice:
    """One step of a warning that was taken at ``at_us`` (lab's time, µs). ``views``: the warning in every language."""
    view = views[LANGUAGES[0]]
    return Notice(
        id=f"{view.id}.{revision}.{at_us}",
        sequence=sequence,
        source=source,
        lab=lab.key,
        organisation=lab.file.organisation,
        contact=lab.file.contact,
        zone=lab.zone,
        step=step,
        at_us=at_us,
        warning=view.id,
        opened_us=_us(view.opened),
        views={language: plain(each) for language, each in views.items()},
        texts={language: _wording(lab, each, step, language) for language, each in views.items()},
        place={language: each.place_name for language, each in views.items()},
        geometry=geometry(lab, view.place),
        earlier_us=earlier_us,
        standing=None if standing is None else {key: [plain(each) for each in those] for key, those in standing.items()},
        exercise=lab.file.synthetic,
    )


def trial(lab: Lab, channel: str, now_us: int, *, source: str) -> Notice:
    """A message that only tries a channel out."""
    names = {language: pick(lab.file.name, language) for language in LANGUAGES}
    words = {language: Words(lab, language).sentence("notice.test", {"channel": channel}) for language in LANGUAGES}
    return Notice(
        id=f"test.{now_us}",
        sequence=0,
        source=source,
        lab=lab.key,
        organisation=lab.file.organisation,
        contact=lab.file.contact,
        zone=lab.zone,
        step="test",
        at_us=now_us,
        warning=0,
        opened_us=now_us,
        views={},
        texts={language: Wording(f"{names[language]}: {words[language]}", "", "") for language in LANGUAGES},
        place=names,
        exercise=lab.file.synthetic,
    )


def plain(view: WarningView) -> dict[str, Any]:
    """A warning as plain types, for the outside."""
    told = msgspec.to_builtins(view)
    assert isinstance(told, dict)
    return {name: value for name, value in told.items() if name not in _ANONYMOUS}


def geometry(lab: Lab, place: str) -> dict[str, Any] | None:
    """GeoJSON geometry (longitude, latitude) of a zone or count point; None where the lab has it no more."""
    if place in lab.zones:
        return dict(mapping(orient(lab.zones[place].polygon)))  # counter-clockwise, as RFC 7946 asks
    return dict(mapping(lab.count_points[place].point)) if place in lab.count_points else None


def _wording(lab: Lab, view: WarningView, step: str, language: str) -> Wording:
    words = Words(lab, language)
    figures = {
        "warning": view.id,
        "priority": view.priority,
        "place": view.place_name,
        "level": view.level,
        "time": _us(view.expected_at),
        "probability": view.probability,
        "measure": view.decision or "",
        "note": "",  # what staff write to each other stays in the house
    }
    until = getattr(view, "shelved_until", None)
    if until is not None:
        figures["until"] = _us(until)
    wished = f"log.{step}"
    if step in ("decided", "declined"):
        wished = f"notice.{step}"
    elif step == "opened" and view.expected is None:
        wished = "log.opened-now"
    headline = words.sentence_or(wished, "notice.other", figures).strip()
    if lab.file.synthetic:
        headline = f"{words.sentence('notice.exercise', {})}: {headline}"
    measures = [f"{each.name}: {each.text} ({each.decides})" for each in view.measures]
    return Wording(headline, " ".join(view.reasons), "\n".join(measures))


def _us(time: str) -> int:
    return to_us(datetime.fromisoformat(time))
