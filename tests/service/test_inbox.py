"""What devices send to a lab: refused with a reason, or durable when they are told so; nothing personal, nothing unregistered."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from datetime import UTC, datetime

import msgspec
import pytest

from ruimte.clock import MINUTE_US, ManualClock, iso, to_us
from ruimte.jobs.inbox import Inbox, Sent
from ruimte.jobs.live import settle
from ruimte.jobs.register import register_lab
from ruimte.keys.signature import generate, sign
from ruimte.lab.files import DeviceEntry
from ruimte.lab.new import new_lab
from ruimte.lab.read import read_lab
from ruimte.model.observation import Flag
from ruimte.sta.errors import StaError
from ruimte.store import observations, records
from ruimte.store.sqlite import Store

NOW = to_us(datetime(2026, 6, 1, 12, tzinfo=UTC))
STEP = 5 * MINUTE_US


@pytest.fixture
def lab(tmp_path):
    new_lab(tmp_path / "town")
    return read_lab(tmp_path / "town")


@pytest.fixture
def store(lab, tmp_path):
    with Store(tmp_path / "town.db", lab.key) as store:
        register_lab(lab, store)
        yield store


def device(lab, **changes):
    """A device for the first sensor of the lab."""
    sensor = next(iter(lab.sensors))
    fields = {"key": "camera", "name": "Camera", "format": "sensorthings", "sensors": [sensor], "per_minute": 600.0}
    lab.devices["camera"] = DeviceEntry(**(fields | changes))
    return lab.devices["camera"]


def stream(lab, store, sensor=0, measure=0):
    entry = list(lab.sensors.values())[sensor]
    return store.stream_ids()[f"{entry.key}/{entry.measures[measure]}"]


def inbox(lab, store, now=NOW):
    return Inbox(lab, store, ManualClock(now))


def take(box, *sent, who="camera", body=b"{}"):
    return asyncio.run(box.take(who, body, lambda payload: sent))


def interval(end):
    return f"{iso(end - STEP)}/{iso(end)}"


def test_what_is_taken_is_in_the_store_with_its_receipt(lab, store):
    device(lab)
    id_ = stream(lab, store)
    box = inbox(lab, store)
    (taken,) = take(box, Sent(id_, 12, interval(NOW), iso(NOW)))
    rows = store.read(lambda c: observations.received(c, 0, NOW))
    assert rows.to_pylist() == [
        {"datastream": id_, "start_us": NOW - STEP, "end_us": NOW, "received_us": NOW, "result": 12.0, "flags": 0}
    ]
    assert taken == store.read(lambda c: c.execute("SELECT id FROM observations WHERE result_us = ?", (NOW,)).fetchone()[0])
    assert take(box, Sent(id_, 12, interval(NOW), iso(NOW))) == [taken], "sent again, it is known"


def test_messages_that_wait_together_each_get_their_own_answer(lab, store):
    device(lab)
    id_ = stream(lab, store)
    box = inbox(lab, store)
    told = []
    box.listen(told.extend)

    async def many():
        sent = [[Sent(id_, k, interval(NOW - k * STEP))] for k in range(20)] + [[Sent(id_, -1, interval(NOW)), Sent(999, 1)]]
        return await asyncio.gather(*(box.take("camera", b"{}", lambda payload, each=each: each) for each in sent))

    *good, bad = asyncio.run(many())
    assert len({taken[0] for taken in good}) == 20
    assert all(error.mend for error in bad), "each tells what to do"
    assert [error.what for error in bad] == ["less than can be", "the register knows no such datastream"]
    assert sorted(told) == sorted(taken[0] for taken in good)
    (view,) = [view for view in box.views() if view.device == "camera"]
    assert (view.messages, view.kept, view.refused) == (21, 20, 2)


@pytest.mark.parametrize(
    ("who", "status"),
    [(None, 401), ("stranger", 403)],
)
def test_nobody_sends_without_being_known(lab, store, who, status):
    device(lab)
    box = inbox(lab, store)
    with pytest.raises(StaError) as refused:
        take(box, Sent(stream(lab, store), 1, interval(NOW)), who=who)
    assert refused.value.status == status


def test_a_device_speaks_for_its_own_sensors_only(lab, store):
    device(lab)
    (error,) = take(inbox(lab, store), Sent(stream(lab, store, sensor=1), 1, interval(NOW)))
    assert error.status == 403


@pytest.mark.parametrize("result", ["12", None, True, [1], {"count": 3}, 10**400])
def test_a_result_is_a_number(lab, store, result):
    device(lab)
    (error,) = take(inbox(lab, store), Sent(stream(lab, store), result, interval(NOW)))
    assert "result" in str(error)


def test_undeclared_keys_are_refused(lab, store):
    device(lab)
    (error,) = take(inbox(lab, store), Sent(stream(lab, store), 1, interval(NOW), parameters={"floor": 3}))
    assert "declares no such key" in error.what


def test_an_identifier_refuses_the_message_and_its_value_is_told_nowhere(lab, store):
    device(lab)
    box = inbox(lab, store)
    with pytest.raises(StaError, match="looks like a device's address"):
        take(box, Sent(stream(lab, store), 1, interval(NOW)), body=b'{"seen": "00:1a:2b:3c:4d:5e"}')
    assert store.read(observations.count) == 0
    settle(store)
    (line,) = [entry for entry in store.read(lambda c: records.log(c, None, 10)) if entry.kind == "sends-personal"]
    assert line.body == {"device": "camera", "identifier": "a device's address"}
    assert "1a:2b" not in repr(box.views())
    assert box.views()[0].personal == "a device's address"


def test_an_instant_is_the_end_of_the_registered_interval(lab, store):
    device(lab)
    take(inbox(lab, store), Sent(stream(lab, store), 3, iso(NOW)))
    (row,) = store.read(lambda c: observations.received(c, 0, NOW)).to_pylist()
    assert (row["start_us"], row["end_us"], row["flags"]) == (NOW - STEP, NOW, Flag.REPAIRED)


def test_more_messages_than_allowed_are_refused(lab, store):
    device(lab, per_minute=2.0)
    box = inbox(lab, store)
    for k in range(2):
        take(box, Sent(stream(lab, store), k, interval(NOW - k * STEP)))
    with pytest.raises(StaError) as refused:
        take(box, Sent(stream(lab, store), 5, interval(NOW - 5 * STEP)))
    assert refused.value.status == 429


def test_a_signed_message_is_taken_once_and_an_unsigned_one_never(lab, store):
    pair = generate()
    device(lab, signing_key=pair.public)
    box = inbox(lab, store)
    sent = Sent(stream(lab, store), 4, interval(NOW))
    assert isinstance(take(box, sent, body=sign(b"{}", pair.private, 7).encode())[0], int)
    for body in (b"{}", sign(b"{}", pair.private, 7).encode(), sign(b"{}", pair.private, 6).encode()):
        with pytest.raises(StaError):
            take(box, Sent(stream(lab, store), 5, interval(NOW - STEP)), body=body)
    assert store.read(observations.count) == 1


def test_a_vendors_payload_goes_the_same_way(lab, tmp_path):
    key, sensor = next(iter(lab.sensors.items()))
    lab.sensors[key] = msgspec.structs.replace(sensor, measures=["sound_level"], source_id="mast-1")
    device(lab, format="environment")
    with Store(tmp_path / "town.db", lab.key) as store:
        register_lab(lab, store)
        box = inbox(lab, store)

        def send(**changes):
            payload = {"source": "mast-1", "from": iso(NOW - STEP), "to": iso(NOW), "sound_level": 61.5} | changes
            return asyncio.run(box.deliver("camera", json.dumps(payload).encode()))

        assert isinstance(send()[0], int)
        (row,) = store.read(lambda c: observations.received(c, 0, NOW)).to_pylist()
        assert (row["result"], row["end_us"]) == (61.5, NOW)
        assert send(temperature=20.0) == send()
        assert box.views()[0].unasked == 1, "the register does not ask for the temperature"
        (other,) = send(source="mast-2")
        assert "mast-2" in str(other)
        for wrong in ({"sound_level": "loud"}, {"mac": "00:1a:2b:3c:4d:5e"}, {"to": "soon"}):
            with pytest.raises(StaError):
                send(**wrong)
        assert box.views()[0].refused == 4


def test_a_disk_that_is_full_is_told_to_who_sends(lab, store, monkeypatch):
    device(lab)
    box = inbox(lab, store)

    def full(connection, rows):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(observations, "append_rows", full)
    with pytest.raises(Exception, match="nothing was written"):
        take(box, Sent(stream(lab, store), 4, interval(NOW)))
    assert {view.kept for view in box.views()} == {0}
