"""CloudEvents of a live share, held against the rules of CloudEvents 1.0.2 and of the NL GOV profile."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime
from typing import Any

import pytest

from ruimte.errors import RuimteError
from ruimte.share.event import cloud_event, read_event

DATA = b'{"figures": [{"place":"square","value":120.0}]}'
PLAIN: dict[str, Any] = {
    "id": "town-41",
    "source": "urn:nld:oin:00000099000000001000",
    "kind": "state",
    "subject": "town",
    "at_us": 1_777_298_400_000_000,
    "agreement": "h" * 86,
    "index": 3_000_000_000,
    "salt": "c2FsdA",
    "data": DATA,
}


def test_the_attributes_are_as_the_standard_and_the_profile_ask() -> None:
    event = json.loads(cloud_event(**PLAIN))
    attributes = {name: value for name, value in event.items() if name != "data"}
    assert {"id", "source", "specversion", "type"} <= set(attributes), "required"
    assert event["specversion"] == "1.0"
    assert all(re.fullmatch(r"[a-z0-9]{1,20}", name) for name in attributes), "names are short, lower case, without signs"
    assert all(isinstance(value, str) and value for value in attributes.values()), "no Integer of more than 32 bits, none empty"
    assert re.fullmatch(r"urn:nld:oin:\d{20}", event["source"]), "a URN of the organisation"
    assert re.fullmatch(r"[a-z]+(\.[a-z-]+)+", event["type"]), "reverse domain notation"
    assert event["type"] == "org.ruimte.share.state"
    assert datetime.fromisoformat(event["time"]).utcoffset() is not None, "RFC 3339 with its zone"
    assert event["datacontenttype"] == "application/json"


def test_the_data_keeps_its_bytes_so_that_the_log_proves_them() -> None:
    body = cloud_event(**PLAIN)
    assert DATA in body
    assert b"\n" not in body
    event = read_event(body)
    assert hashlib.sha256(bytes(event.data)).digest() == hashlib.sha256(DATA).digest()
    assert (event.agreement, event.logindex, event.logsalt) == ("h" * 86, "3000000000", "c2FsdA")
    assert event.time == "2026-04-27T14:00:00Z"


def test_the_same_event_is_the_same_bytes() -> None:
    assert cloud_event(**PLAIN) == cloud_event(**PLAIN)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"id": ""}, "id"),
        ({"id": "a\nb"}, "id"),
        ({"source": "the city"}, "source"),
        ({"source": ""}, "source"),
        ({"subject": "a\x7f"}, "subject"),
        ({"subject": "jan.jansen@example.org"}, "subject"),
        ({"subject": "00:1a:2b:3c:4d:5e"}, "subject"),
        ({"data": b'{\n"a": 1}'}, "data"),
    ],
)
def test_what_the_profile_forbids_is_refused(change: dict[str, Any], where: str) -> None:
    with pytest.raises(RuimteError) as caught:
        cloud_event(**(PLAIN | change))
    assert caught.value.where == where


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"[" * 100_000,
        cloud_event(**PLAIN).replace(b'"1.0"', b'"0.3"'),
        cloud_event(**PLAIN).replace(b"org.ruimte.share", b"org.other.share"),
        cloud_event(**PLAIN).replace(b'"3000000000"', b'"many"'),
        cloud_event(**PLAIN).replace(b'"subject"', b'"object"'),
        cloud_event(**PLAIN)[:-1] + b',"person":"x"}',
    ],
)
def test_what_is_no_event_of_a_share_is_not_read(body: bytes) -> None:
    with pytest.raises(RuimteError):
        read_event(body)
