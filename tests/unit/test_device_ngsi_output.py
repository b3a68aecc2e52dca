"""What is sent to a context broker is what is read from one."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import msgspec
import pytest

from ruimte.intake.devices import FORMATS
from ruimte.intake.devices.ngsi_output import to_crowd_flow_observed, to_item_flow_observed
from ruimte.sta.times import parse_instant

START, END = parse_instant("2026-04-27T14:00:00Z"), parse_instant("2026-04-27T14:05:00Z")
PLACE = {"type": "Point", "coordinates": [4.89, 52.37]}


def back(entity):
    message = FORMATS["ngsi-ld"].read(msgspec.json.encode(entity), ZoneInfo("UTC"), END)
    assert {(each.start_us, each.end_us, each.flags) for each in message.readings} == {(START, END, 0)}
    return message.device, {each.measure: pytest.approx(each.value, abs=0.01) for each in message.readings}


def test_a_count_point_there_and_back():
    entity = to_crowd_flow_observed(
        "lab:kade", START, END, PLACE, count_in=70, count_out=30, occupancy=0.4, speed_m_per_s=1.25, congested=False, name="Kade"
    )
    told = {"count_in": 70, "count_out": 30, "occupancy": 0.4, "speed": 1.25}
    assert back(entity) == ("urn:ngsi-ld:CrowdFlowObserved:lab:kade", told)
    assert entity["peopleCount"] == {"type": "Property", "value": 100}
    assert entity["dateObserved"] == {"type": "Property", "value": "2026-04-27T14:00:00Z/2026-04-27T14:05:00Z"}
    assert entity["location"] == {"type": "GeoProperty", "value": PLACE}


def test_what_is_not_known_is_left_out():
    entity = to_crowd_flow_observed("lab:kade", START, END, PLACE, count=12.4)
    assert set(entity) == {
        "id", "type", "dateObserved", "dateObservedFrom", "dateObservedTo", "location", "peopleCount", "@context",
    }  # fmt: skip
    assert back(entity)[1] == {"count": 12}
    assert "peopleCount" not in to_crowd_flow_observed("lab:kade", START, END, PLACE, count_in=5)


@pytest.mark.parametrize(("direction", "measure"), [("forward", "count_in"), ("backward", "count_out"), (None, "count")])
def test_a_lane_there_and_back(direction, measure):
    entity = to_item_flow_observed("lab:kade", START, END, PLACE, lane=2, direction=direction, count=9, speed_m_per_s=1.0)
    assert back(entity) == ("urn:ngsi-ld:ItemFlowObserved:lab:kade:2", {measure: 9, "speed": 1.0})
    assert {"id", "type", "location", "dateObserved", "laneId"} <= set(entity)  # what the model requires
