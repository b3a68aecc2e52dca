"""CAP 1.2: the order of its elements, the values they may hold, and how a warning is mapped."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from notices import AT_US, notice, view
from ruimte.clock import MINUTE_US
from ruimte.notify import cap
from ruimte.notify.notice import Notice

# The content model of CAP-v1.2.xsd (OASIS, 1 July 2010), as far as there is an order or a list of values in it.
ALERT = (
    "identifier sender sent status msgType source scope restriction addresses code note references incidents info",
    {"identifier", "sender", "sent", "status", "msgType", "scope"},
)
INFO = (
    "language category event responseType urgency severity certainty audience eventCode effective onset expires senderName"
    " headline description instruction web contact parameter resource area",
    {"category", "event", "urgency", "severity", "certainty"},
)
AREA = ("areaDesc polygon circle geocode altitude ceiling", {"areaDesc"})
PARAMETER = ("valueName value", {"valueName", "value"})
VALUES = {
    "status": {"Actual", "Exercise", "System", "Test", "Draft"},
    "msgType": {"Alert", "Update", "Cancel", "Ack", "Error"},
    "scope": {"Public", "Restricted", "Private"},
    "category": {"Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other"},
    "responseType": {"Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None"},
    "urgency": {"Immediate", "Expected", "Future", "Past", "Unknown"},
    "severity": {"Extreme", "Severe", "Moderate", "Minor", "Unknown"},
    "certainty": {"Observed", "Likely", "Possible", "Unlikely", "Unknown"},
}
MOMENT = re.compile(r"\d\d\d\d-\d\d-\d\dT\d\d:\d\d:\d\d[-,+]\d\d:\d\d")
PAIR = r"-?\d+\.\d+,-?\d+\.\d+"


def follows_the_schema(element: Any) -> None:
    """Checks an element against the content model above, and all in it."""
    name = local(element)
    listed, needed = {"alert": ALERT, "info": INFO, "area": AREA, "parameter": PARAMETER}[name]
    order = listed.split()
    names = [local(child) for child in element]
    assert needed <= set(names), name
    places = [order.index(each) for each in names]
    assert places == sorted(places), f"{name}: {names}"
    for child in element:
        if len(child):
            follows_the_schema(child)
            continue
        text = child.text or ""
        assert text, local(child)
        if local(child) in VALUES:
            assert text in VALUES[local(child)]
        if local(child) in ("sent", "effective", "onset", "expires"):
            assert MOMENT.fullmatch(text)
        if local(child) in ("identifier", "sender"):
            assert re.search(r"[\s,<&]", text) is None
        if local(child) == "polygon":
            pairs = text.split(" ")
            assert len(pairs) >= 4
            assert pairs[0] == pairs[-1]
            assert all(re.fullmatch(PAIR, pair) for pair in pairs)
        if local(child) == "circle":
            assert re.fullmatch(rf"{PAIR} \d+(\.\d+)?", text)


def local(element: Any) -> str:
    space, _, name = element.tag[1:].partition("}")
    assert space == cap.NAMESPACE
    return str(name)


def parsed(told: Notice) -> dict[str, str]:
    """The first text of every element, by name; the whole follows the schema."""
    root = ElementTree.fromstring(cap.alert(told))
    follows_the_schema(root)
    found: dict[str, str] = {}
    for element in root.iter():
        found.setdefault(local(element), element.text or "")
    return found


def test_a_warning_is_a_whole_message_in_two_languages() -> None:
    told = parsed(notice())
    assert told["identifier"] == f"town.3.{AT_US}"
    assert (told["status"], told["msgType"], told["scope"]) == ("Actual", "Alert", "Restricted")
    assert told["sent"] == "2026-01-01T00:00:00+01:00"
    assert told["onset"] == "2026-01-01T00:40:00+01:00"
    assert (told["urgency"], told["severity"], told["certainty"]) == ("Expected", "Moderate", "Likely")
    assert told["responseType"] == "Prepare"
    assert told["headline"] == "Square: E at 00:40 <soon>"
    assert told["polygon"].startswith("52.110000,4.270000 ")
    infos = ElementTree.fromstring(cap.alert(notice())).findall(f"{{{cap.NAMESPACE}}}info")
    assert [info[0].text for info in infos] == ["en-GB", "nl-NL"]


@pytest.mark.parametrize(
    ("changes", "element", "value"),
    [
        ({"lead_s": 0.0}, "urgency", "Immediate"),
        ({"lead_s": 900.0}, "urgency", "Immediate"),
        ({"lead_s": 3600.0}, "urgency", "Expected"),
        ({"lead_s": 3601.0}, "urgency", "Future"),
        ({"priority": 1}, "severity", "Severe"),
        ({"priority": 3}, "severity", "Minor"),
        ({"probability": 0.5}, "certainty", "Possible"),
        ({"expected": None, "now": 950.0}, "certainty", "Observed"),
        ({"expected": None, "now": 890.0}, "certainty", "Likely"),
        ({"lead_s": 0.0, "expected": None}, "responseType", "Execute"),
        ({"measures": []}, "responseType", "Monitor"),
        ({"phase": "closed"}, "urgency", "Past"),
    ],
)
def test_how_a_warning_is_mapped(changes: dict[str, Any], element: str, value: str) -> None:
    assert parsed(notice(told=view(**changes)))[element] == value


def test_what_follows_refers_to_what_went_before() -> None:
    later = AT_US + 5 * MINUTE_US
    raised = parsed(notice(step="raised", at_us=later, earlier_us=(AT_US,)))
    assert raised["msgType"] == "Update"
    assert raised["references"] == f"crowd@example.org,town.3.{AT_US},2026-01-01T00:00:00+01:00"
    closed = parsed(notice(step="closed", at_us=later + 1, earlier_us=(AT_US, later), told=view(phase="closed")))
    assert closed["msgType"] == "Cancel"
    assert len(closed["references"].split(" ")) == 2
    assert (closed["urgency"], closed["responseType"]) == ("Past", "AllClear")
    assert "onset" not in closed


def test_a_point_is_a_small_circle_and_a_trial_has_no_shape() -> None:
    assert parsed(notice(geometry={"type": "Point", "coordinates": (4.3, 52.1)}))["circle"] == "52.100000,4.300000 0.025"
    trial = parsed(notice(step="test", views={}, geometry=None, warning=0))
    assert (trial["status"], trial["areaDesc"]) == ("Test", "Square")
    assert "polygon" not in trial


def test_an_exercise_says_so_and_utc_is_written_as_the_standard_wants() -> None:
    told = parsed(notice(exercise=True, zone=ZoneInfo("UTC"), contact="the crowd, team & co"))
    assert told["status"] == "Exercise"
    assert told["sent"].endswith("-00:00")
    assert told["sender"] == "the_crowd_team_co"
