"""Server-sent events: however the bytes are cut, the same events; and none that is without bounds."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ruimte.jobs import event_stream
from ruimte.jobs.event_stream import EventError, EventStream, ServerEvent

TEXT = (
    '\ufeff: a comment\r\n\nid: 7\nevent: figures\ndata: {"a": 1}\n\n'
    "data:one\rdata:  two\r\rdata\n\nid\nevent: none\n\nretry: 5\ndata: é\r\n\r\nid: 8\0\ndata: kept\n\ndata: never whole"
)
EVENTS = [
    ServerEvent("7", "figures", '{"a": 1}'),
    ServerEvent("7", "message", "one\n two"),
    ServerEvent("7", "message", ""),
    ServerEvent("", "message", "é"),
    ServerEvent("", "message", "kept"),
]


def test_events_are_read_as_the_standard_has_it() -> None:
    assert EventStream().feed(TEXT.encode()) == EVENTS
    assert EventStream("6").feed(b"data: a\n\n") == [ServerEvent("6", "message", "a")]


@given(st.lists(st.integers(0, len(TEXT.encode())), max_size=12))
def test_how_bytes_are_cut_makes_no_difference(cuts: list[int]) -> None:
    stream, octets = EventStream(), TEXT.encode()
    places = [0, *sorted(cuts), len(octets)]
    parts = [octets[start:end] for start, end in pairwise(places)]
    assert [event for part in parts for event in stream.feed(part)] == EVENTS


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_any_bytes_are_events_or_an_error(parts: list[bytes]) -> None:
    stream = EventStream()
    try:
        for part in parts:
            stream.feed(part)
    except EventError:
        pass


@pytest.mark.parametrize("piece", [b"data: 0123456789\n", b"data\n" * 6, b"data: 0123456789", b": 0123456789", b"x: 0123456789"])
def test_an_event_without_end_is_an_error(piece: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "MOST_BYTES", 1000)
    stream = EventStream()

    def endless() -> None:
        for _ in range(200):
            stream.feed(piece)

    with pytest.raises(EventError, match="larger"):
        endless()


def test_many_events_in_one_piece_are_not_one_large_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "MOST_BYTES", 1000)
    assert len(EventStream().feed(b"data: 0123456789\n\n" * 200)) == 200
