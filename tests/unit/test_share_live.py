"""The live stream: frames, resuming, beats, ends, readers who leave or do not keep up, and many at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from share_partner import Partner, partner
from starlette.types import Message

from fake_desk import HASH, KEYS, POLICE, Event
from ruimte.keys.signature import verify
from ruimte.web.problems import WebError
from ruimte.web.share import live as streaming
from ruimte.web.share.streams import MOST_OF_PARTY, Streams


@pytest.fixture
def police(tmp_path: Path) -> Iterator[Partner]:
    with partner(tmp_path) as made:
        yield made


@dataclass
class Reader:
    """One who follows. ``frames`` are (event, id, data) as they came; ``whole``: the answer has ended."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    frames: list[tuple[str, str | None, Any]] = field(default_factory=list)
    whole: bool = False
    body: bytes = b""
    leave: Callable[[], None] = lambda: None

    async def until(self, holds: Callable[[Reader], bool]) -> Reader:
        async with asyncio.timeout(5):
            while not holds(self):
                await asyncio.sleep(0.001)
        return self

    def names(self) -> list[str]:
        return [name for name, _, _ in self.frames]


@asynccontextmanager
async def reading(app: Any, query: str = "", headers: dict[str, str] | None = None) -> AsyncIterator[Reader]:
    """A reader of ``/live``."""
    reader, gone = Reader(), asyncio.Event()
    reader.leave = gone.set
    started = False

    async def receive() -> Message:
        nonlocal started
        if not started:
            started = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            reader.status = message["status"]
            reader.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            return
        body = message.get("body", b"")
        reader.body += body
        if reader.status == 200 and body:
            fields = dict(line.split(": ", 1) for line in body.decode().strip().split("\n"))
            reader.frames.append((fields["event"], fields.get("id"), json.loads(fields["data"])))
        reader.whole = not message.get("more_body", False)

    known = {"host": "127.0.0.1", "authorization": f"Fake {POLICE}"} | (headers or {})
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/share/v1/live",
        "raw_path": b"/share/v1/live",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in known.items()],
        "scheme": "http",
        "root_path": "",
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8000),
    }
    task = asyncio.create_task(app(scope, receive, send))
    try:
        yield reader
    finally:
        gone.set()
        async with asyncio.timeout(5):
            await task


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(test())  # type: ignore[arg-type]


def test_events_come_as_they_were_signed(police: Partner) -> None:
    async def test() -> None:
        async with reading(police.app, "zones=square&step=15m") as reader:
            await reader.until(lambda it: bool(it.frames))
            events = [police.desk.publish(), police.desk.publish("forecast"), police.desk.publish("warning")]
            await reader.until(lambda it: len(it.frames) == 4)
        assert reader.headers["content-type"].startswith("text/event-stream")
        assert "content-length" not in reader.headers
        assert reader.headers["x-accel-buffering"] == "no"
        assert reader.names() == ["beat", "figures", "figures", "warning"]
        for (_, number, data), event in zip(reader.frames[1:], events, strict=True):
            assert number == event.id
            assert data["event"] == json.loads(event.body)
            raw = b'{"event":' + event.body + b',"signature":"' + event.signature.encode() + b'"}'
            assert b"data: " + raw + b"\n\n" in reader.body, "byte by byte, for the signature is over those"
            assert verify(data["signature"], KEYS.public, event.body).key_id
        asked, after = police.desk.lives[0]
        assert (asked.action, asked.places, asked.step, after) == ("read-state", ("square",), "15m", None)

    run(test)


@pytest.mark.parametrize(
    ("kind", "action"), [("state", "read-state"), ("forecast", "read-forecast"), ("warnings", "read-warnings")]
)
def test_one_follows_a_kind(police: Partner, kind: str, action: str) -> None:
    async def test() -> None:
        async with reading(police.app, f"kind={kind}&agreement={HASH}") as reader:
            await reader.until(lambda it: bool(it.frames))
        assert police.desk.lives[0][0].action == action

    run(test)


def test_who_comes_back_goes_on_after_the_last_that_came(police: Partner) -> None:
    async def test() -> None:
        for _ in range(5):
            police.desk.publish()
        async with reading(police.app, headers={"last-event-id": "3"}) as reader:
            await reader.until(lambda it: len(it.frames) == 3)
        assert [number for _, number, _ in reader.frames] == [None, "4", "5"]

    run(test)


def test_a_grant_that_ends_ends_the_stream_and_says_why(police: Partner) -> None:
    async def test() -> None:
        async with reading(police.app) as reader:
            await reader.until(lambda it: bool(it.frames))
            police.desk.publish()
            police.desk.end("revoked")
            police.desk.publish()
            await reader.until(lambda it: it.whole)
        assert reader.names() == ["beat", "figures", "ended"]
        told = reader.frames[-1][2]
        assert (told["status"], told["reason"], told["decision"]) == (403, "revoked", 7)
        assert police.desk.queues == []
        assert len(police.app.streams) == 0

    run(test)


def test_a_refusal_comes_before_the_stream(police: Partner) -> None:
    police.desk.refuse = "purpose"

    async def test() -> None:
        async with reading(police.app) as reader:
            await reader.until(lambda it: it.whole)
        assert (reader.status, json.loads(reader.body)["reason"]) == (403, "purpose")
        assert len(police.app.streams) == 0, "and leaves its place to others"

    run(test)


def test_silence_is_told_from_a_broken_line(police: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "BEAT_S", 0.01)

    async def test() -> None:
        async with reading(police.app) as reader:
            await reader.until(lambda it: len(it.frames) >= 4)
        assert set(reader.names()) == {"beat"}
        assert reader.frames[0][2] == {"time": "2026-04-27T14:00:00Z"}

    run(test)


def test_a_reader_who_leaves_frees_all(police: Partner) -> None:
    async def test() -> None:
        async with reading(police.app) as reader:
            await reader.until(lambda it: bool(it.frames))
            assert (len(police.desk.queues), len(police.app.streams)) == (1, 1)
            reader.leave()
            async with asyncio.timeout(5):
                while police.desk.queues or len(police.app.streams):
                    await asyncio.sleep(0.001)
        assert not reader.whole, "nobody was there to be told"

    run(test)


def test_a_node_that_stops_ends_its_streams(police: Partner) -> None:
    async def test() -> None:
        async with reading(police.app) as one, reading(police.app) as other:
            await one.until(lambda it: bool(it.frames))
            await other.until(lambda it: bool(it.frames))
            police.app.close()
            await one.until(lambda it: it.whole)
            await other.until(lambda it: it.whole)
        assert police.desk.queues == []

    run(test)


def test_what_breaks_inside_ends_the_stream_without_telling_of_it(police: Partner, caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        async with reading(police.app) as reader:
            await reader.until(lambda it: bool(it.frames))
            police.desk.queues[0].put_nowait(Event(id="1", kind="state", body=None, signature="no event"))
            await reader.until(lambda it: it.whole)
        assert reader.frames[-1][2]["status"] == 500
        assert "no event" not in reader.body.decode()
        assert "a live stream has failed" in caplog.text

    run(test)


def test_many_follow_at_once_and_each_gets_all(police: Partner) -> None:
    async def test() -> None:
        async with reading(police.app) as one, reading(police.app) as two, reading(police.app) as three:
            readers = [one, two, three]
            for reader in readers:
                await reader.until(lambda it: bool(it.frames))
            for _ in range(50):
                police.desk.publish()
            for reader in readers:
                await reader.until(lambda it: len(it.frames) == 51)
                assert [number for _, number, _ in reader.frames[1:]] == [str(n) for n in range(1, 51)]

    run(test)


def test_a_party_has_so_many_streams_and_the_node_too() -> None:
    streams = Streams(most=MOST_OF_PARTY + 1)
    for _ in range(MOST_OF_PARTY):
        streams.enter("police")
    with pytest.raises(WebError) as caught:
        streams.enter("police")
    assert caught.value.status == 429
    streams.enter("city")
    with pytest.raises(WebError) as caught:
        streams.enter("region")
    assert caught.value.status == 503
    streams.leave("police")
    streams.enter("region")


def test_a_head_opens_no_stream(police: Partner) -> None:
    answer = police.ask("HEAD", "/live")
    assert (answer.status_code, answer.content, police.desk.lives) == (200, b"", [])
    assert answer.headers["content-type"].startswith("text/event-stream")
