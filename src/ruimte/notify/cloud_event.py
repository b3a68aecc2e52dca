"""A notice as a CloudEvent (CNCF CloudEvents 1.0.2, JSON event format 1.0.2)."""

from __future__ import annotations

from typing import Any

import msgspec

from ruimte.clock import iso
from ruimte.notify.notice import Notice

MEDIA_TYPE = "application/cloudevents+json"
TRIAL = "test"


def attributes(notice: Notice) -> dict[str, str]:
    """The context attributes. ``sequence`` is that of the CloudEvents extension of the same name."""
    trial = notice.step == TRIAL
    return {
        "specversion": "1.0",
        "id": notice.id,
        "source": notice.source,
        "type": "org.ruimte.test" if trial else f"org.ruimte.warning.{notice.step}",
        "subject": notice.lab if trial else f"warning/{notice.warning}",
        "time": iso(notice.at_us),
        "sequence": str(notice.sequence),
    }


def data(notice: Notice, language: str) -> dict[str, Any]:
    """What the event tells, in one language."""
    text = notice.texts[language]
    return {
        "lab": notice.lab,
        "step": notice.step,
        "exercise": notice.exercise,
        "language": language,
        "headline": text.headline,
        "description": text.description,
        "instruction": text.instruction,
        "place_name": notice.place[language],
        "geometry": notice.geometry,
        "warning": notice.views.get(language),
    }


def structured(notice: Notice, language: str) -> bytes:
    """The event as one JSON text: the same bytes each time."""
    return msgspec.json.encode(attributes(notice) | {"datacontenttype": "application/json", "data": data(notice, language)})
