"""A partner's node in memory, which tests can make lie: it signs, keeps a real log, and streams what it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import msgspec

from agreed import CITY, KEYS, POLICE
from ruimte.clock import MINUTE_US, SECOND_US, iso
from ruimte.jobs.event_stream import ServerEvent
from ruimte.jobs.log import Log, Receipt
from ruimte.keys.signature import sign
from ruimte.ledger.entry import BODY_HASH, body_hash
from ruimte.share.event import cloud_event

STEP_US = 5 * MINUTE_US
BEGIN_US = 1_790_000_100 * SECOND_US
"""A whole step."""
META = {"grant": 0}


class Clock:
    """A wall's clock that tests set."""

    def __init__(self, now_us: int = BEGIN_US) -> None:
        self.us = now_us

    def __call__(self) -> int:
        return self.us


def figures(step: int, people: float | None = 120.0, place: str = "square", quantity: str = "people") -> dict[str, Any]:
    """One row for a step (its number since ``BEGIN_US``)."""
    start_us = BEGIN_US + step * STEP_US
    band = {"low": None, "high": None} if people is None else {"low": people - 20, "high": people + 20}
    times = {"start": iso(start_us), "end": iso(start_us + STEP_US)}
    return {"place": place, "quantity": quantity, **times, "value": people, **band, "suppressed": people is None}


class FakeNode:
    """The city's node. ``events`` of each kind are streamed after the one that a reader names."""

    def __init__(self, folder: Path, agreement: str, clock: Clock, name: str = "city.log.db") -> None:
        self.agreement, self.clock, self.keys = agreement, clock, KEYS[CITY]
        self.log = Log(folder / name, CITY, self.keys, clock)
        self.events: dict[str, list[ServerEvent]] = {"state": [], "forecast": [], "warnings": []}
        self.histories: dict[int, list[dict[str, Any]]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.resumed: list[str | None] = []
        self.cosigned: list[str] = []
        self.refuse: int | None = None
        self.reason = ""
        self.file: bytes | None = None
        self.tampers = 0
        self.places: dict[str, Any] = {
            "type": "FeatureCollection",
            "features": [
                {"type": "Feature", "properties": {"key": "square", "name": {"en": "Square", "nl": "Plein"}}, "geometry": None}
            ],
        }
        self._news = asyncio.Condition()
        self._broken = 0

    def event(self, kind: str, id_: str, data: dict[str, Any], /, **changes: Any) -> ServerEvent:
        """An event as the node would send it, logged and signed; ``changes`` make it wrong."""
        told = msgspec.json.encode(data)
        receipt = self._release(told, f"read-{kind}")
        facts: dict[str, Any] = {
            "id": id_,
            "source": CITY,
            "kind": {"warnings": "warning"}.get(kind, kind),
            "subject": "boulevard",
            "at_us": self.clock(),
            "agreement": self.agreement,
            "index": receipt.index,
            "salt": receipt.salt,
            "data": told,
        }
        key = changes.pop("key", self.keys.private)
        body = cloud_event(**(facts | changes))
        frame = {"event": msgspec.Raw(body), "signature": sign(body, key, self.clock(), detached=True)}
        return ServerEvent(id_, "warning" if kind == "warnings" else "figures", msgspec.json.encode(frame).decode())

    def _release(self, told: bytes, action: str) -> Receipt:
        facts = {"agreement": self.agreement, "grant": 0, "party": POLICE, "purpose": "event-safety", "action": action}
        return self.log.append("release", {**facts, "media_type": "application/json", BODY_HASH: body_hash(told)}).result()

    async def tell(self, kind: str, event: ServerEvent) -> None:
        """Something new for those who follow."""
        async with self._news:
            self.events[kind].append(event)
            self._news.notify_all()

    async def tell_step(self, step: int, people: float = 120.0) -> None:
        """The state of a step, when it is over."""
        self.clock.us = max(self.clock.us, BEGIN_US + (step + 1) * STEP_US)
        end_us = BEGIN_US + (step + 1) * STEP_US
        await self.tell("state", self.event("state", str(end_us), {"meta": META, "figures": [figures(step, people)]}))

    async def break_off(self) -> None:
        """End all streams that are open."""
        async with self._news:
            self._broken += 1
            self._news.notify_all()

    # --- as a client sees it --------------------------------------------------------------------------------------------

    async def stream(
        self, path: str, params: Mapping[str, str] | None = None, last_event_id: str | None = None
    ) -> AsyncIterator[ServerEvent]:
        assert path == "/share/v1/live"
        assert params is not None
        kind, broken = params["kind"], self._broken
        self.resumed.append(last_event_id)
        ids = [event.id for event in self.events[kind]]
        place = ids.index(last_event_id) + 1 if last_event_id in ids else 0
        yield ServerEvent("", "beat", "{}")
        while True:
            while place < len(self.events[kind]):
                place += 1
                yield self.events[kind][place - 1]
            async with self._news:
                await self._news.wait_for(lambda sent=place: self._broken > broken or sent < len(self.events[kind]))
            if self._broken > broken:
                return

    async def get(self, path: str, params: Mapping[str, str] | None = None, accept: str = "application/json") -> httpx.Response:
        self.asked.append((path, dict(params or {})))
        below = path.removeprefix("/share/v1")
        if below.startswith("/agreements/") and self.file is not None:
            return httpx.Response(200, content=b'{"hash": "x", "file": %s}' % self.file)
        if self.refuse is not None:
            return httpx.Response(self.refuse, json={"detail": "the agreement gives nothing", "reason": self.reason})
        if below == "/places":
            return httpx.Response(200, json=self.places)
        if below == "/log/checkpoint":
            return httpx.Response(200, text=self.log.checkpoint())
        if below == "/log/consistency":
            assert params is not None
            if int(params["new"]) > self.log.size:
                return httpx.Response(400, json={"detail": "the log is smaller"})
            return httpx.Response(200, text=self.log.consistency_file(int(params["old"]), int(params["new"])))
        if below.startswith("/log/proofs/"):
            index = int(below.rpartition("/")[2])
            if index >= self.log.size:
                return httpx.Response(404, json={"detail": f"there is no entry {index}"})
            return httpx.Response(200, text=self.log.proof(index))
        assert below == "/history"
        assert params is not None
        rows = [row for rows in self.histories.values() for row in rows if params["from"] <= row["start"] < params["until"]]
        body = msgspec.json.encode({"meta": META, "figures": rows})
        receipt = self._release(body, "read-history")
        body += b" " * self.tampers
        headers = {"ruimte-agreement": self.agreement, "ruimte-log-index": str(receipt.index), "ruimte-log-salt": receipt.salt}
        return httpx.Response(200, content=body, headers=headers)

    async def post(self, path: str, json: Any) -> httpx.Response:
        assert path == "/share/v1/log/cosignatures"
        self.cosigned.append(json)
        return httpx.Response(200, json={"cosigned": []})

    async def aclose(self) -> None:
        pass
