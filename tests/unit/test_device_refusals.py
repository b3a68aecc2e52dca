"""A payload that does not fit is refused with a line that names the field and not its value; nothing else ever happens."""

from __future__ import annotations

import math
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ruimte.errors import RuimteError
from ruimte.intake.devices import FORMATS
from ruimte.intake.message import Message
from ruimte.sta.times import parse_instant

PAYLOADS = {path.stem: path.read_bytes() for path in sorted((Path(__file__).parents[1] / "data" / "devices").glob("*.json"))}
ZONE = ZoneInfo("Europe/Amsterdam")
RECEIVED = parse_instant("2026-04-27T14:05:15Z")
SECRET = "00:1a:2b:3c:4d:5e"


def format_of(name):
    return FORMATS[max((key for key in FORMATS if name.startswith(key)), key=len)]


def refusal(name, payload):
    with pytest.raises(RuimteError) as error:
        format_of(name).read(payload if isinstance(payload, bytes) else msgspec.json.encode(payload), ZONE, RECEIVED)
    return error.value


def steps(value, way=()):
    """The ways to every value within a decoded payload."""
    yield way
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inner:
        yield from steps(each, (*way, name))


def changed(payload, way, change):
    """A copy of a decoded payload in which ``change(container, key)`` was done at a way."""
    payload = msgspec.json.decode(msgspec.json.encode(payload))
    inner = payload
    for name in way[:-1]:
        inner = inner[name]
    change(inner, way[-1])
    return payload


@pytest.mark.parametrize(
    ("name", "way", "value", "where"),
    [
        ("amsterdam-v2", ("data", 0, "aggregate", 0, "count_in"), "many", "data[0].aggregate[0].count_in"),
        ("amsterdam-v2", ("data", 0, "aggregate", 0, "type"), "ring", "data[0].aggregate[0].type"),
        ("amsterdam-v2", ("data", 0, "interval"), -60, "data[0].interval"),
        ("amsterdam-v2", ("data", 0, "timestamp_start"), "yesterday", "data[0].timestamp_start"),
        ("amsterdam-v3", ("direction", 0, "azimuth"), 400, "direction[0].azimuth"),
        ("axis-object-analytics-crossing", ("message", "data", "totalHuman"), "-4", "message.data.totalHuman"),
        ("axis-object-analytics-crossing", ("message", "data", "totalHuman"), "9" * 400, "message.data.totalHuman"),
        ("axis-object-analytics-crossing", ("topic",), "axis:Device/IO", "topic"),
        ("axis-object-analytics-crossing", ("timestamp",), 10**30, "timestamp"),
        ("axis-people-counter", ("timestamp",), "2026-04-27", "timestamp"),
        ("axis-scene", ("detections", 0, "bounding_box", "left"), None, "detections[0].bounding_box.left"),
        ("environment", ("to",), "2026-04-27T13:00:00Z", "to"),
        ("milesight-ip", ("event",), "Fire", "event"),
        ("milesight-ip", ("current_counted",), [1], "current_counted"),
        ("milesight-ip", ("time_info", "timezone"), "Mars", "time_info.timezone"),
        ("ngsi-ld-crowd", ("data", 0, "averageCrowdSpeed", "unitCode"), "FURLONG", "data[0].averageCrowdSpeed.unitCode"),
        ("ngsi-ld-crowd", ("data", 0, "peopleCountAway", "value"), "few", "data[0].peopleCountAway"),
        ("ngsi-ld-crowd", ("data", 0, "type"), "Person", "data[0].type"),
        ("things-stack-period", ("uplink_message", "decoded_payload", "line_1_period_in"), [], "line_1_period_in"),
        ("things-stack-regions", ("uplink_message", "decoded_payload", "history", 0, "timestamp"), -5, "history[0].timestamp"),
        ("things-stack-period", ("simulated",), True, "simulated"),
        ("xovis-live", ("live_data", "frames", 0, "time"), "noon", "live_data.frames[0].time"),
        ("xovis-live", ("live_data", "config", "counts"), [], "live_data.frames[0].events"),
    ],
)
def test_the_refusal_names_the_field_and_not_the_value(name, way, value, where):
    payload = changed(msgspec.json.decode(PAYLOADS[name]), way, lambda inner, key: inner.__setitem__(key, value))
    error = refusal(name, payload)
    assert error.where.endswith(where)
    assert error.what
    assert error.mend
    if isinstance(value, str):
        assert value not in str(error)


@pytest.mark.parametrize("name", PAYLOADS)
def test_no_object_of_any_format_takes_a_field_that_is_not_declared(name):
    payload = msgspec.json.decode(PAYLOADS[name])
    error = refusal(name, payload[0] | {"visitor": SECRET} if isinstance(payload, list) else payload | {"visitor": SECRET})
    assert error.where.endswith("visitor")
    assert SECRET not in str(error)


@pytest.mark.parametrize("name", PAYLOADS)
def test_an_undeclared_field_that_is_an_identifier_itself_is_not_repeated(name):
    payload = msgspec.json.decode(PAYLOADS[name])
    entity = payload[0] if isinstance(payload, list) else payload
    assert SECRET not in str(refusal(name, entity | {SECRET: 1}))


PERSONAL = [
    ("axis-scene", ("detections", 0, "image"), {"data": "/9j/4AAQ"}),
    ("axis-scene", ("detections", 0, "class", "license_plate"), "XX-00-XX"),
    ("milesight-ip", ("snapshot",), "/9j/4AAQ"),
    ("xovis-live", ("live_data", "frames", 0, "tracked_objects", 0, "attributes", "gender"), "FEMALE"),
    ("things-stack-period", ("uplink_message", "decoded_payload", "mac_addresses"), [SECRET]),
]


@pytest.mark.parametrize(("name", "way", "value"), PERSONAL)
def test_what_is_of_a_visitor_refuses_the_payload(name, way, value):
    payload = changed(msgspec.json.decode(PAYLOADS[name]), way, lambda inner, key: inner.__setitem__(key, value))
    assert refusal(name, payload).what == "is not a field of this format"


@pytest.mark.parametrize("name", sorted(FORMATS))
@pytest.mark.parametrize(
    "payload",
    [b"", b"null", b"[]x", b"\xff\xfe", b"NaN", b'"' * 3, b"[" * 200_000, b'{"data":' * 50_000, b"1" * 5_000],
    ids=["empty", "null", "rest", "bytes", "nan", "quotes", "lists", "objects", "number"],
)
def test_what_is_no_message_at_all_is_refused(name, payload):
    assert str(refusal(name, payload)).count("\n") == 0


# --- whatever comes -----------------------------------------------------------------------------------------------------

TIMES = ("2026-04-27T14:05:00Z", "2026-03-29T02:30:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00")
NUMBERS = st.integers(-(10**40), 10**40) | st.floats(allow_nan=False, allow_infinity=False)
JUNK = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=12) | st.sampled_from([*TIMES, SECRET]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def mutated(draw):
    """A published payload in which some values were replaced, dropped or doubled."""
    name = draw(st.sampled_from(sorted(PAYLOADS)))
    payload = msgspec.json.decode(PAYLOADS[name])
    for _ in range(draw(st.integers(1, 3))):
        ways = [way for way in steps(payload) if way]
        if not ways:
            break
        way, deed, junk = draw(st.sampled_from(ways)), draw(st.sampled_from(["replace", "drop", "copy"])), draw(JUNK)

        def change(inner, key, deed=deed, junk=junk):
            if deed == "drop":
                del inner[key]
            elif deed == "copy" and isinstance(inner, list):
                inner.append(inner[key])
            else:
                inner[key] = junk

        payload = changed(payload, way, change)
    return name, msgspec.json.encode(payload)


def check(reader, payload):
    told = ""
    message = Message()
    try:
        message = reader.read(payload, ZONE, RECEIVED)
    except RuimteError as error:
        told = str(error)
    assert SECRET not in told
    assert "\n" not in told
    for each in message.readings:
        assert math.isfinite(each.value)
        assert 0 <= each.start_us <= each.end_us < 2**63
    assert all(math.isfinite(each.value) and 0 <= each.time_us < 2**63 for each in message.totals)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(mutated())
def test_a_changed_payload_is_read_or_refused(case):
    name, payload = case
    check(format_of(name), payload)


@settings(max_examples=200, deadline=None)
@given(name=st.sampled_from(sorted(PAYLOADS)), data=st.data())
def test_a_payload_with_changed_bytes_is_read_or_refused(name, data):
    payload = bytearray(PAYLOADS[name])
    for _ in range(data.draw(st.integers(1, 4))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    check(format_of(name), bytes(payload[: data.draw(st.integers(1, len(payload)))]))


@settings(max_examples=200, deadline=None)
@given(name=st.sampled_from(sorted(FORMATS)), payload=st.binary(max_size=200) | JUNK.map(msgspec.json.encode))
def test_bytes_are_read_or_refused(name, payload):
    check(FORMATS[name], payload)
