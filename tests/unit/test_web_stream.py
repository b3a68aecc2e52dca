from __future__ import annotations

import asyncio

import msgspec
import pytest

from fake_room import FakeRoom
from ruimte.web.stream import Hub, frames


def decode(frame: bytes | None) -> tuple[str, dict[str, object]]:
    assert frame is not None
    lines = frame.decode().splitlines()
    event = next(line.removeprefix("event: ") for line in lines if line.startswith("event: "))
    return event, msgspec.json.decode(next(line.removeprefix("data: ") for line in lines if line.startswith("data: ")))


def test_one_frame_is_shared_by_all_who_speak_a_language(room: FakeRoom) -> None:
    async def play() -> list[bytes | None]:
        hub = Hub(room)
        queues = [hub.join("en"), hub.join("en"), hub.join("nl")]
        firsts = [queue.get_nowait() for queue in queues]
        assert all(decode(frame)[0] == "state" for frame in firsts)
        running = asyncio.create_task(hub.run())
        await asyncio.sleep(0)
        room.tell("state")
        frames = [await queue.get() for queue in queues]
        running.cancel()
        return frames

    english, also_english, dutch = asyncio.run(play())
    assert english is also_english
    assert "Boulevard middle" in str(decode(english))
    assert "Boulevard midden" in str(decode(dutch))


def test_silence_is_filled_with_beats(room: FakeRoom) -> None:
    async def play() -> tuple[str, dict[str, object]]:
        hub = Hub(room, beat_s=0.05)
        queue = hub.join("en")
        queue.get_nowait()
        running = asyncio.create_task(hub.run())
        frame = await asyncio.wait_for(queue.get(), 1)
        running.cancel()
        return decode(frame)

    event, data = asyncio.run(play())
    assert event == "beat"
    assert set(data) == {"status"}


def test_changes_that_come_together_are_sent_as_one(room: FakeRoom) -> None:
    async def play() -> list[str]:
        hub = Hub(room)
        queue = hub.join("en")
        queue.get_nowait()
        running = asyncio.create_task(hub.run())
        await asyncio.sleep(0)
        for kind in ("beat", "state", "changed", "state"):
            room.tell(kind)
        await asyncio.sleep(0.15)
        running.cancel()
        return [decode(queue.get_nowait())[0] for _ in range(queue.qsize())]

    assert asyncio.run(play()) == ["state", "changed"]


def test_who_lags_loses_the_oldest_and_blocks_nobody(room: FakeRoom) -> None:
    async def play() -> tuple[int, dict[str, object]]:
        hub = Hub(room)
        queue = hub.join("en")
        running = asyncio.create_task(hub.run())
        for _ in range(25):
            room.tell("changed")
            await asyncio.sleep(0.045)
        running.cancel()
        frames = [queue.get_nowait() for _ in range(queue.qsize())]
        return len(frames), decode(frames[-1])[1]

    count, newest = asyncio.run(play())
    assert count == 16
    assert newest == {"sequence": room.sequence}


def test_a_bad_picture_does_not_silence_those_that_follow(room: FakeRoom) -> None:
    async def play() -> str:
        hub = Hub(room)
        queue = hub.join("en")
        queue.get_nowait()
        running = asyncio.create_task(hub.run())
        await asyncio.sleep(0)
        whole, room.zones = room.zones, None  # type: ignore[assignment,method-assign]
        room.tell("state")
        await asyncio.sleep(0.1)
        room.zones = whole  # type: ignore[method-assign]
        room.tell("state")
        event, _ = decode(await asyncio.wait_for(queue.get(), 1))
        running.cancel()
        return event

    assert asyncio.run(play()) == "state"


def test_a_stop_ends_the_stream_also_of_who_lags(room: FakeRoom) -> None:
    async def play() -> list[bytes | None]:
        hub = Hub(room)
        queue = hub.join("en")
        while not queue.full():
            queue.put_nowait(b"")
        hub.close()
        return [queue.get_nowait() for _ in range(queue.qsize())]

    assert asyncio.run(play())[-1] is None


@pytest.mark.parametrize("turns", range(5))
def test_a_stop_that_comes_together_with_a_change_is_a_stop(room: FakeRoom, turns: int) -> None:
    async def play() -> bool:
        running = asyncio.create_task(Hub(room).run())
        await asyncio.sleep(0.01)
        room.tell("changed")
        for _ in range(turns):
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait([running], timeout=1)
        return running.cancelled()

    assert asyncio.run(play())


def test_leaving_ends_the_listening(room: FakeRoom) -> None:
    async def play() -> list[int]:
        hub = Hub(room)
        queue = hub.join("en")
        running = asyncio.create_task(hub.run())
        await asyncio.sleep(0)
        counts = [len(hub), len(room.queues)]
        hub.leave(queue)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return [*counts, len(hub), len(room.queues)]

    assert asyncio.run(play()) == [1, 1, 0, 0]


def test_a_stream_ends_when_its_session_has_ended(room: FakeRoom) -> None:
    async def play() -> list[bytes]:
        hub, session = Hub(room, beat_s=0.01), [True]
        running = asyncio.create_task(hub.run())
        told = []
        async for frame in frames(hub, "en", lambda: session[0], look_again_s=0.0):
            told.append(frame)
            session[0] = len(told) < 3
        running.cancel()
        assert len(hub) == 0
        return told

    assert len(asyncio.run(asyncio.wait_for(play(), 5))) == 3
