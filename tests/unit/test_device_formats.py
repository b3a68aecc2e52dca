"""What each format reads of a payload in the form that its vendor publishes."""

from __future__ import annotations

import re
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest

from ruimte.clock import iso
from ruimte.intake.devices import FORMATS
from ruimte.intake.message import ImageFrame
from ruimte.intake.personal import find_identifier
from ruimte.model.measure import MEASURES
from ruimte.model.observation import Flag
from ruimte.sta.times import parse_instant

PAYLOADS = Path(__file__).parents[1] / "data" / "devices"
ZONE = ZoneInfo("Europe/Amsterdam")
RECEIVED = parse_instant("2026-04-27T14:05:15Z")
FIVE = ("14:00", "14:05")
MINUTE = ("14:05", "14:06")
AT = ("14:05", "14:05")
R = Flag.REPAIRED

NAMES = sorted(path.stem for path in PAYLOADS.glob("*.json"))


def format_of(name):
    return max((key for key in FORMATS if name.startswith(key)), key=len)


def read(name, **changes):
    """The message in a payload; ``changes`` replace fields of its top level."""
    payload = (PAYLOADS / f"{name}.json").read_bytes()
    if changes:
        payload = msgspec.json.encode(msgspec.json.decode(payload) | changes)
    return FORMATS[format_of(name)].read(payload, ZONE, RECEIVED)


def row(reading):
    span = tuple(iso(us)[11:16] for us in (reading.start_us, reading.end_us))
    return reading.source, reading.measure, span, pytest.approx(reading.value), reading.flags


CROWD, ITEM = "urn:ngsi-ld:CrowdFlowObserved:kade", "urn:ngsi-ld:Device:kade-counter/lane-1"
MICROPHONE, MAST = "urn:ngsi-ld:Device:microphone-1", "urn:ngsi-ld:Device:mast-1"
SERIAL = "80:1F:12:00:00:01"
READINGS = {
    "amsterdam-v2": [
        ("TEST-01-Kade/Line 0", "count_in", MINUTE, 15, 0),
        ("TEST-01-Kade/Line 0", "count_out", MINUTE, 12, 0),
        ("TEST-01-Kade/Zone 0", "people", ("14:06", "14:06"), 5, 0),
    ],
    "amsterdam-v3": [
        ("TEST-17", "count_in", MINUTE, 10, 0),
        ("TEST-17", "count_out", MINUTE, 5, 0),
        ("TEST-17", "speed", MINUTE, 1.0, 0),
        ("TEST-17", "density", ("14:06", "14:06"), 0.25, 0),
    ],
    "axis-object-analytics-crossing": [],
    "axis-object-analytics-occupancy": [("Device1Scenario2", "people", AT, 7, 0)],
    "axis-people-counter": [],
    "axis-scene": [],
    "axis-scene-beta": [],
    "environment": [
        ("mast-1", "sound_level", FIVE, 71.5, 0),
        ("mast-1", "temperature", FIVE, 14.2, 0),
        ("mast-1", "humidity", FIVE, 0.62, 0),
        ("mast-1", "wind_speed", FIVE, 4.1, 0),
        ("mast-1", "precipitation", FIVE, 0.0, 0),
    ],
    "milesight-ip": [
        ("", "people", AT, 10, 0),
        ("region-1", "people", AT, 6, 0),
        ("region-2", "people", AT, 4, 0),
    ],
    "ngsi-ld-crowd": [
        (CROWD, "count_in", FIVE, 70, 0),
        (CROWD, "count_out", FIVE, 30, 0),
        (CROWD, "occupancy", FIVE, 0.76, 0),
        (CROWD, "speed", FIVE, 1.25, 0),
    ],
    "ngsi-ld-crowd-key-values": [(CROWD, "count", FIVE, 100, R)],
    "ngsi-ld-item": [
        (ITEM, "count_out", FIVE, 12, 0),
        (ITEM, "occupancy", FIVE, 0.1562, 0),
        (ITEM, "speed", FIVE, 1.0, 0),
    ],
    "ngsi-ld-noise": [(MICROPHONE, "sound_level", FIVE, 67.8, 0)],
    "ngsi-ld-weather": [
        (MAST, "temperature", AT, 14.5, 0),
        (MAST, "humidity", AT, 0.62, 0),
        (MAST, "wind_speed", AT, 5.0, 0),
        (MAST, "precipitation", AT, 0.0, 0),
    ],
    "things-stack-period": [
        ("counter-kade/line-1", "count_in", AT, 12, 0),
        ("counter-kade/line-1", "count_out", AT, 0, 0),
    ],
    "things-stack-regions": [
        ("counter-kade/line-1", "count_in", ("14:00", "14:00"), 3, 0),
        ("counter-kade/line-1", "count_out", ("14:00", "14:00"), 4, 0),
        ("counter-kade/region-1", "people", AT, 2, 0),
        ("counter-kade/region-2", "people", AT, 0, 0),
        ("counter-kade/region-1", "dwell", AT, 95, 0),
    ],
    "xovis-history": [
        (f"{SERIAL}/3", "count_in", FIVE, 21, 0),
        (f"{SERIAL}/3/Children", "count", FIVE, 2, 0),
    ],
    "xovis-live": [(f"{SERIAL}/4", "people", AT, 4, 0)],
    "xovis-logics": [
        (f"{SERIAL}/3", "count_in", FIVE, 21, 0),
        (f"{SERIAL}/3", "count_out", FIVE, 0, 0),
        (f"{SERIAL}/4", "people", AT, 18, 0),
    ],
}
TOTALS = {
    "axis-object-analytics-crossing": [("Device1Scenario1", "count", 412, "2026-04-20T22:01:25Z", 0)],
    "axis-people-counter": [("Exit south", "count_in", 120, None, R), ("Exit south", "count_out", 318, None, R)],
    "things-stack-period": [("counter-kade/line-2", "count_in", 40, None, 0), ("counter-kade/line-2", "count_out", 41, None, 0)],
    "xovis-live": [(f"{SERIAL}/3", "count_in", 31, None, 0)],
}


@pytest.mark.parametrize("name", NAMES)
def test_readings_and_totals_of_the_published_form(name):
    message = read(name)
    assert [row(each) for each in message.readings] == READINGS[name]
    told = [(t.source, t.measure, t.value, None if t.since_us is None else iso(t.since_us), t.flags) for t in message.totals]
    assert told == TOTALS.get(name, [])
    assert all(iso(total.time_us).startswith("2026-04-27T14:05") for total in message.totals)


def test_every_format_has_a_payload_and_every_measure_is_of_the_vocabulary():
    assert {format_of(name) for name in NAMES} == set(FORMATS)
    messages = [read(name) for name in NAMES]
    assert {each.measure for m in messages for each in (*m.readings, *m.totals)} <= set(MEASURES)


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_the_docs_tell_of_every_format(name):
    page = (Path(__file__).parents[2] / "docs" / "devices.md").read_text()
    assert re.search(rf"^\|.*`{name}`.*\|$", page, re.MULTILINE)
    assert re.search(rf"^### .*\b{name}\b", page, re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_the_published_forms_hold_nothing_that_the_gate_takes_for_personal(name):
    assert find_identifier((PAYLOADS / f"{name}.json").read_bytes()) is None


@pytest.mark.parametrize("name", NAMES)
def test_what_identifies_the_hardware_is_dropped(name):
    hardware = ("ACCC8E00000", "369300000000", "00:16:28", "192.0.2.9", "24E124", "260B0001")
    assert not [each for each in hardware if each in repr(read(name))]


def test_xovis_persons_are_points_in_metres():
    frame, empty = read("xovis-live").frames
    assert len(empty.ids) == 0, "a frame without persons says that nobody is there"
    assert iso(frame.time_us) == "2026-04-27T14:05:00Z"
    assert frame.ids.tolist() == [527, 528]  # the group is left out: it repeats its members
    assert frame.x_m.tolist() == [0.5, 1.5]
    assert frame.y_m.tolist() == [-1.25, 2.0]
    assert frame.height_m.tolist() == [1.75, 1.6]


@pytest.mark.parametrize(("name", "foot"), [("axis-scene", (0.5, 0.9)), ("axis-scene-beta", (0.2, 0.8))])
def test_axis_humans_stand_where_their_box_meets_the_ground(name, foot):
    (frame,) = read(name).image_frames
    assert isinstance(frame, ImageFrame)
    assert frame.time_us == parse_instant("2026-04-27T14:05:00.369150Z")
    assert (frame.x.tolist(), frame.y.tolist()) == ([pytest.approx(foot[0])], [pytest.approx(foot[1])])


def test_an_axis_track_keeps_its_number_and_another_has_another():
    number = read("axis-scene").image_frames[0].ids[0]
    assert read("axis-scene").image_frames[0].ids[0] == number
    assert read("axis-scene-beta").image_frames[0].ids[0] != number


def test_a_homography_takes_the_picture_to_the_ground():
    frame = ImageFrame("camera", 0, np.array([1, 2], np.uint64), np.array([0.0, 0.5]), np.array([1.0, 0.5]))
    to_metres = np.array([[10.0, 0.0, -5.0], [0.0, 20.0, 0.0], [0.0, 1.0, 1.0]])
    ground = frame.on_ground(to_metres)
    assert ground.x_m.tolist() == pytest.approx([-5 / 2, 0.0])
    assert ground.y_m.tolist() == pytest.approx([20 / 2, 10 / 1.5])


# --- rules of single formats --------------------------------------------------------------------------------------------


def test_amsterdam_doubts_a_camera_that_is_not_operational():
    readings = read("amsterdam-v3", status="degraded").readings
    assert {each.flags for each in readings} == {Flag.DOUBTFUL}


def test_amsterdam_takes_an_empty_list_of_directions_for_nobody():
    counts = {each.measure: each.value for each in read("amsterdam-v3", direction=[]).readings}
    assert counts == {"count_in": 0, "count_out": 0, "density": 0.25}


@pytest.mark.parametrize(("azimuth", "way"), [(0, "in"), (179.9, "in"), (180, "out"), (359.9, "out"), (360, "in")])
def test_amsterdam_tells_the_way_by_the_azimuth(azimuth, way):
    counts = {each.measure: each.value for each in read("amsterdam-v3", direction=[{"azimuth": azimuth, "count": 3}]).readings}
    assert counts[f"count_{way}"] == 3


def test_milesight_ip_adds_the_hour_of_summer_and_flags_it():
    info = {"timezone": "UTC+1:00", "dst_status": True, "end_time": "2026/04/27 16:05:00"}
    assert [row(each)[2:] for each in read("milesight-ip", time_info=info, current_counted=[]).readings] == [(AT, 10, R)]


def test_milesight_ip_without_a_zone_is_on_the_labs_clock():
    info = {"end_time": "2026/04/27 16:05:00"}
    assert [row(each)[2:] for each in read("milesight-ip", time_info=info, current_counted=[]).readings] == [(AT, 10, R)]


def test_ngsi_an_instant_and_an_observed_at_are_the_end():
    entity = {"type": "CrowdFlowObserved", "id": "urn:x", "peopleCount": {"value": 3, "observedAt": "2026-04-27T14:05:00Z"}}
    payload = msgspec.json.encode(entity)
    assert [row(each) for each in FORMATS["ngsi-ld"].read(payload, ZONE, RECEIVED).readings] == [("urn:x", "count", AT, 3, 0)]


@pytest.mark.parametrize(("direction", "measure"), [("forward", "count_in"), ("backward", "count_out"), ("left", "count")])
def test_ngsi_the_lanes_direction_is_the_counts(direction, measure):
    entity = {"type": "ItemFlowObserved", "id": "urn:x", "itemType": "people", "dateObserved": "2026-04-27T14:05:00Z"}
    payload = msgspec.json.encode(entity | {"intensity": 4, "laneDirection": direction, "laneId": 2})
    assert [row(each)[:2] for each in FORMATS["ngsi-ld"].read(payload, ZONE, RECEIVED).readings] == [("urn:x/lane-2", measure)]


def test_things_stack_tells_a_count_where_the_envelope_leaves_its_empty_fields_out():
    payload = msgspec.json.decode((PAYLOADS / "things-stack-period.json").read_bytes())
    uplink = payload["uplink_message"]
    for name in ("f_port", "f_cnt", "received_at"):
        del uplink[name]
    message = FORMATS["things-stack"].read(msgspec.json.encode(payload), ZONE, RECEIVED)
    assert {each.end_us for each in message.readings} == {parse_instant("2026-04-27T14:05:03.912345Z")}


def test_the_zone_of_the_lab_is_what_a_wall_clock_means():
    (total, _) = (
        FORMATS["axis-people-counter"]
        .read((PAYLOADS / "axis-people-counter.json").read_bytes(), ZoneInfo("Pacific/Auckland"), RECEIVED)
        .totals
    )
    assert iso(total.time_us) == "2026-04-27T04:05:12Z"
