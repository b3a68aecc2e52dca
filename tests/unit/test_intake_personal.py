"""What identifies a person is found, told without its value; what devices send otherwise passes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ruimte.intake.personal import check_declared, find_identifier
from ruimte.sta.errors import StaError

IDENTIFIERS: list[tuple[object, str, str]] = [
    ({"mac": "00:1A:2B:3C:4D:5E"}, "a device's address", "mac"),
    ({"note": "seen 00-1a-2b-3c-4d-5e twice"}, "a device's address", "note"),
    ({"note": "001a.2b3c.4d5e"}, "a device's address", "note"),
    ({"note": "24:e1:24:ff:fe:00:12:34"}, "a device's address", "note"),
    ({"macAddress": "001a2b3c4d5e"}, "a device's address", "macAddress"),
    ({"probes": [{"bssid": "001A2B3C4D5E", "rssi": -70}]}, "a device's address", "probes[0].bssid"),
    ({"clients": ["001A2B3C4D5E"]}, "a device's address", "clients[0]"),
    ({"note": "mac=001A2B3C4D5E"}, "a device's address", "note"),
    ({"00:1A:2B:3C:4D:5E": 3}, "a device's address", "…"),
    ({"parameters": {"client": "192.168.1.17"}}, "an internet address", "parameters.client"),
    ({"note": "from 203.0.113.9:8080"}, "an internet address", "note"),
    ({"note": "2001:db8::8a2e:370:7334"}, "an internet address", "note"),
    ({"note": "fe80::1ff:fe23:4567:890a"}, "an internet address", "note"),
    ({"who": "j.jansen@example.org"}, "an e-mail address", "who"),
    ({"note": "+31 20 123 45 67"}, "a phone number", "note"),
    ({"note": "06-12345678"}, "a phone number", "note"),
    ({"note": "0612345678"}, "a phone number", "note"),
    ({"note": "0171 2345678"}, "a phone number", "note"),
    ({"note": "0475 12 34 56"}, "a phone number", "note"),
    ({"phone": 612345678}, "a phone number", "phone"),
    ({"telephoneNumber": "020-1234567"}, "a phone number", "telephoneNumber"),
    ({"seen": "GB-123-X"}, "a number plate", "seen"),
    ({"seen": "12-GRX-4"}, "a number plate", "seen"),
    ({"seen": "B-AB 1234"}, "a number plate", "seen"),
    ({"seen": "1-ABC-234"}, "a number plate", "seen"),
    ({"license_plate": "12ABC3"}, "a number plate", "license_plate"),
    ({"kenteken": "x"}, "a number plate", "kenteken"),
    ({"plates": ["x1"]}, "a number plate", "plates"),
    ({"value": "123456782"}, "a citizen's number", "value"),
    ({"bsn": 123456782}, "a citizen's number", "bsn"),
    ({"visitor_bsn": "12345678"}, "a citizen's number", "visitor_bsn"),
    ({"bsn": [123456782]}, "a citizen's number", "bsn[0]"),
    ({"value": "490154203237518"}, "a phone's number", "value"),
    ({"value": "204080123456789"}, "a phone's number", "value"),
    ({"imei": 490154203237518}, "a phone's number", "imei"),
    ({"passport_number": "NXK2F1P34"}, "a travel document", "passport_number"),
    ({"face": {"x": 1}}, "a face", "face"),
    ({"detections": [{"face_id": 8812}]}, "a face", "detections[0].face_id"),
    ({"faces": [{"left": 0.1}]}, "a face", "faces"),
    ({"embedding": [0.1, 0.2]}, "a biometric feature", "embedding"),
    ({"tracks": [{"reid": [0.1]}]}, "a biometric feature", "tracks[0].reid"),
    ({"person_name": "J. Jansen"}, "a person's name", "person_name"),
    ({"voornaam": "Jan"}, "a person's name", "voornaam"),
    ({"visitor": {"name": "J. Jansen"}}, "a person's name", "visitor.name"),
    ({"people": [{"name": "J. Jansen"}]}, "a person's name", "people[0].name"),
    ({"mac_hash": "9c1185a5c5e9fc54612808977ee8f548"}, "a hash of an identifier", "mac_hash"),
    ({"hashedDevice": "9c1185a5c5e9fc54612808977ee8f548"}, "a hash of an identifier", "hashedDevice"),
    ({"note": "data:image/png;base64,AAAA"}, "a picture", "note"),
    ({"blob": "/9j/4AAQSkZJRgABAQ" + "A" * 60}, "a picture", "blob"),
    ({"snapshot": "QUJD" * 20}, "a picture", "snapshot"),
    ("01:23:45:67:89:ab", "a device's address", ""),
    (["ok", ["01:23:45:67:89:ab"]], "a device's address", "[1][0]"),
    ({"Jan Jansen": {"mac": "01:23:45:67:89:ab"}}, "a device's address", "….mac"),
    ({"device_info": {"visitor": "j@example.org"}}, "an e-mail address", "device_info.visitor"),
]

CLEAN: list[object] = [
    {"result": 123456782},
    {"result": 490154203237518},
    {"count": 20260101120000, "counter": "123456782"},
    {"timestamp": 1764014400000, "time": "1764014400", "time_us": "1764014400000000"},
    {"phenomenonTime": "2026-11-24T20:00:00Z/2026-11-24T20:05:00Z"},
    {"resultTime": "2026-11-24T20:00:00.123456+01:00"},
    {"timestamp": "20261124200000"},
    {"time": "2022/12/20 18:15:52", "timezone": "UTC+8:00"},
    {"time": "24-11-2026 20:00:00"},
    {"when": "06-11-2026 10:00:05"},
    {"time": "20:00:00"},
    {"id": "urn:ngsi-ld:CrowdFlowObserved:550e8400-e29b-41d4-a716-446655440000"},
    {"sensor": "CMSA-GAWW-14", "camera": "GABW-03-A", "line": "GA-01-22"},
    {"version": "1.2.3.4", "firmware_version": "V_31.1.0.1-r1", "swVersion": "10.12.3.1"},
    {"note": "listening on 0.0.0.0 and 127.0.0.1 and ::1"},
    {"note": "std::vector a::b"},
    {"geometry": {"type": "Point", "coordinates": [4.895168, 52.370216]}},
    {"location": "+52.370216+004.895168/"},
    {"oid": "1.3.6.1.4.1.343"},
    {"url": "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"},
    {"name": "Square, west side", "counts": [{"name": "Line 1", "value": 12}]},
    {"people": 12, "faces": 3, "phones": 4, "plates": 2, "phone": "iPhone"},
    {"face": True, "faces": [], "plate": "", "visitor": {"name": " "}, "embedding": None},
    {"serial": "ACCC8E012345", "serial_number": "00:6E:02:01:02:03"},
    {"device_info": {"device_mac": "24:E1:24:00:12:34", "ip_address": "192.168.1.20"}},
    {"Thing": {"@iot.selfLink": "http://192.168.1.20:8000/sta/v1.1/Things(1)"}},
    {"frequency": "868100002", "dev_addr_count": 5, "frm_payload": "AwR1AABBc8gABQYHCAkKCwwNDg8Q"},
    {"uplink_token": "ChgKFgoKZ3ctMRIIWKDL//6AKjQQ6Oud"},
    {"message": 1, "total": "12", "human": "9"},
    {"a": -12345678.9, "b": "-12345678.9", "c": "+1234567.25"},
    {"image": "https://example.org/square.png"},
]  # fmt: skip


@pytest.mark.parametrize(("payload", "kind", "path"), IDENTIFIERS, ids=lambda value: str(value)[:40])
def test_an_identifier_is_found(payload: object, kind: str, path: str) -> None:
    assert find_identifier(payload) == (kind, path)
    assert find_identifier(json.dumps(payload).encode()) == (kind, path)


@pytest.mark.parametrize("payload", CLEAN, ids=lambda value: str(value)[:40])
def test_what_is_no_identifier_passes(payload: object) -> None:
    assert find_identifier(payload) is None
    assert find_identifier(json.dumps(payload)) is None


@pytest.mark.parametrize("digits", ["111222333", "123456782"])
def test_a_citizens_number_passes_its_test_and_others_do_not(digits: str) -> None:
    assert find_identifier({"value": digits}) == ("a citizen's number", "value")
    assert find_identifier({"value": digits[:-1] + str((int(digits[-1]) + 1) % 10)}) is None
    assert find_identifier({"value": "000000000"}) is None


@pytest.mark.parametrize("value", ["00:1A:2B:3C:4D:5E", "J. Jansen", "j.jansen@example.org", "123456782"])
def test_what_is_told_never_holds_the_value(value: str) -> None:
    for payload in ({"visitor": {"name": value}}, {value: {"mac": value, "name": value}}, {"a": [{value: value}]}):
        found = find_identifier(payload)
        assert found is None or value not in "".join(found)
    assert find_identifier({value: {"mac": "00:1A:2B:3C:4D:5E"}}) is not None


def test_what_is_no_json_is_looked_at_as_text() -> None:
    assert find_identifier(b"temp=3;from=00:1A:2B:3C:4D:5E") == ("a device's address", "")
    assert find_identifier(b"\xff\xfe 12 persons") is None
    assert find_identifier(b'{"a": ' * 5000) is None


def test_depth_and_length_do_no_harm() -> None:
    deep: Any = "00:1A:2B:3C:4D:5E"
    for _ in range(5000):
        deep = [deep]
    found = find_identifier(deep)
    assert found is not None
    assert found[0] == "a device's address"
    for text in ("a:" * 200_000, "1." * 200_000, "0 " * 200_000, "@a." * 100_000, "/9j/" * 50):
        find_identifier({"note": text, text: 1})


ALLOWED = {"battery": "number", "mode": "text", "lit": "boolean"}


def test_declared_parameters_pass() -> None:
    check_declared({}, ALLOWED)
    check_declared({"battery": 3.5, "mode": "night", "lit": True}, ALLOWED)
    check_declared({"battery": -4}, ALLOWED)


@pytest.mark.parametrize(
    ("parameters", "where", "what"),
    [
        ({"colour": "red"}, "parameters/colour", "declares no such key"),
        ({"battery": "full"}, "parameters/battery", "not a number"),
        ({"battery": True}, "parameters/battery", "not a number"),
        ({"battery": float("nan")}, "parameters/battery", "not a number"),
        ({"battery": 10**400}, "parameters/battery", "not a number"),
        ({"battery": None}, "parameters/battery", "not a number"),
        ({"mode": 3}, "parameters/mode", "not a text"),
        ({"mode": "x" * 1001}, "parameters/mode", "not a text"),
        ({"lit": 1}, "parameters/lit", "not a boolean"),
        ({"mode": {"a": 1}}, "parameters/mode", "not a text"),
        ({"mode": "00:1A:2B:3C:4D:5E"}, "parameters/mode", "a device's address"),
        ([1], "parameters", "not an object"),
        ({"00:1A:2B:3C:4D:5E": 1}, "parameters/…", "declares no such key"),
    ],
)
def test_undeclared_parameters_are_refused_without_their_value(parameters: object, where: str, what: str) -> None:
    with pytest.raises(StaError) as error:
        check_declared(parameters, ALLOWED)
    assert (error.value.where, what in error.value.what, error.value.status) == (where, True, 400)
    assert "1A:2B" not in str(error.value)


def test_a_declared_key_does_not_let_an_identifier_in() -> None:
    with pytest.raises(StaError, match="a phone's number"):
        check_declared({"imei": 490154203237518}, {"imei": "number"})
