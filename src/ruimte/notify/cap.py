"""A notice in CAP 1.2 (OASIS Common Alerting Protocol, 1 July 2010): XML that alerting systems read.

How a warning is mapped is told in docs/notify.md. Elements stand in the order of the standard's schema.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from ruimte.clock import HOUR_US, MINUTE_US, from_us, to_us
from ruimte.notify.notice import Notice

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
MEDIA_TYPE = "application/cap+xml"

_LANGUAGES = {"en": "en-GB", "nl": "nl-NL"}
_EVENT = {"en": "Crowding", "nl": "Drukte"}
_RESTRICTION = "For those who keep crowds safe here; not for the public"
_SEVERITY = {1: "Severe", 2: "Moderate", 3: "Minor"}
_SOON_US = 15 * MINUTE_US
_POINT_RADIUS_KM = 0.025


def alert(notice: Notice) -> bytes:
    """The whole message, UTF-8 with an XML declaration."""
    root = Element("alert", {"xmlns": NAMESPACE})
    _add(root, "identifier", identifier(notice.lab, notice.warning, notice.at_us))
    _add(root, "sender", _reference_safe(notice.contact))
    _add(root, "sent", _moment(notice.at_us, notice))
    _add(root, "status", "Test" if notice.step == "test" else "Exercise" if notice.exercise else "Actual")
    _add(root, "msgType", message_type(notice))
    _add(root, "source", notice.source)
    _add(root, "scope", "Restricted")
    _add(root, "restriction", _RESTRICTION)
    if notice.earlier_us:
        _add(root, "references", " ".join(_reference(notice, at_us) for at_us in notice.earlier_us))
    for language in sorted(notice.texts):
        _info(root, notice, language)
    ElementTree.indent(root)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode").encode() + b"\n"


def identifier(lab: str, warning: int, at_us: int) -> str:
    """Names one message.  >>> identifier("auckland", 3, 1_577_833_200_000_000) 'auckland.3.1577833200000000'"""
    return f"{lab}.{warning}.{at_us}"


def message_type(notice: Notice) -> str:
    """Alert for the first message, Cancel for the last, else Update."""
    if not notice.earlier_us:
        return "Alert"
    return "Cancel" if notice.step == "closed" else "Update"


def _info(root: Element, notice: Notice, language: str) -> None:
    text, view = notice.texts[language], notice.views.get(language)
    closed = notice.step == "closed" or (view is not None and view["phase"] == "closed")
    info = SubElement(root, "info")
    _add(info, "language", _LANGUAGES.get(language, language))
    _add(info, "category", "Safety")
    _add(info, "event", _EVENT.get(language, _EVENT["en"]))
    _add(info, "responseType", _response(view, closed))
    _add(info, "urgency", _urgency(view, closed))
    _add(info, "severity", "Unknown" if view is None else _SEVERITY[view["priority"]])
    _add(info, "certainty", _certainty(view))
    _add(info, "effective", _moment(notice.at_us, notice))
    if view is not None and not closed:
        _add(info, "onset", _moment(_expected_us(view), notice))
    _add(info, "senderName", notice.organisation)
    _add(info, "headline", text.headline)
    if text.description:
        _add(info, "description", text.description)
    if text.instruction and not closed:
        _add(info, "instruction", text.instruction)
    _add(info, "contact", notice.contact)
    if view is not None:
        for name in ("level", "table", "priority", "probability"):
            _parameter(info, name, view[name])
    _area(info, notice, language)


def _response(view: Mapping[str, Any] | None, closed: bool) -> str:
    if closed:
        return "AllClear"
    if view is None or not view["measures"]:
        return "Monitor"
    return "Execute" if _lead_us(view) == 0 else "Prepare"


def _urgency(view: Mapping[str, Any] | None, closed: bool) -> str:
    """By the lead time: a response now, within the hour, or later."""
    if closed:
        return "Past"
    if view is None:
        return "Unknown"
    lead_us = _lead_us(view)
    return "Immediate" if lead_us <= _SOON_US else "Expected" if lead_us <= HOUR_US else "Future"


def _certainty(view: Mapping[str, Any] | None) -> str:
    """By the probability: the standard sets Likely at more than about a half."""
    if view is None:
        return "Unknown"
    if view["expected"] is None and view["now"] is not None:
        return "Observed" if view["now"] >= view["threshold"] else "Likely"
    return "Likely" if view["probability"] > 0.5 else "Possible"


def _area(info: Element, notice: Notice, language: str) -> None:
    area = SubElement(info, "area")
    _add(area, "areaDesc", notice.place[language])
    geometry = notice.geometry
    if geometry is None:
        return
    if geometry["type"] == "Point":
        longitude, latitude = geometry["coordinates"][:2]
        _add(area, "circle", f"{latitude:.6f},{longitude:.6f} {_POINT_RADIUS_KM:g}")
    else:
        polygons = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
        for polygon in polygons:  # of each the outer ring: CAP knows no holes
            _add(area, "polygon", " ".join(f"{latitude:.6f},{longitude:.6f}" for longitude, latitude, *_ in polygon[0]))


def _reference(notice: Notice, at_us: int) -> str:
    message = identifier(notice.lab, notice.warning, at_us)
    return f"{_reference_safe(notice.contact)},{message},{_moment(at_us, notice)}"


def _reference_safe(text: str) -> str:
    """Sender and identifier hold no spaces, commas or markup, for they are joined by those in ``references``."""
    return re.sub(r"[\s,<&]+", "_", text.strip())


def _moment(us: int, notice: Notice) -> str:
    """Local time with its offset; ``Z`` is not allowed, and UTC is -00:00 (CAP 1.2, 3.3.2)."""
    text = from_us(us).astimezone(notice.zone).isoformat(timespec="seconds")
    return text.removesuffix("+00:00") + "-00:00" if text.endswith("+00:00") else text


def _expected_us(view: Mapping[str, Any]) -> int:
    return to_us(datetime.fromisoformat(view["expected_at"]))


def _lead_us(view: Mapping[str, Any]) -> int:
    return int(view["lead_s"] * 1_000_000)


def _parameter(info: Element, name: str, value: object) -> None:
    parameter = SubElement(info, "parameter")
    _add(parameter, "valueName", f"ruimte:{name}")
    _add(parameter, "value", str(value))


def _add(parent: Element, name: str, text: str) -> None:
    SubElement(parent, name).text = text
