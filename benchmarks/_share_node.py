"""A sharing node for the benchmark, in a process of its own: the real API, desk, agreements and log over 200 made-up zones.

Only the estimate is left out: figures are drawn at random. ``/plain`` gives as many rows as a release does without anything that
sharing adds: the least that HTTP and JSON cost. Run as ``python -m benchmarks._share_node FOLDER PARTIES``; prints its port.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gc
import hashlib
import os
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
from shapely.geometry import box
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import Route

from ruimte.clock import MINUTE_US
from ruimte.jobs.agreement_files import write_agreement
from ruimte.keys.signature import KeyPair, public_of
from ruimte.lab.lab import Lab, Zone
from ruimte.lab.new import new_lab
from ruimte.lab.read import read_lab
from ruimte.notify.keys import node_keys
from ruimte.share.agreement import Agreement, Content, Duties, Form, Grant, Party, Terms, Validity, What
from ruimte.share.contract import content_hash, sign
from ruimte.share.figures import Figures
from ruimte.share.odrl import with_policies
from ruimte.share.release import BASE
from ruimte.store.sqlite import Store
from ruimte.web.server import plain_server
from ruimte.web.settings import WebSettings
from ruimte.web.share import begin as assembling
from ruimte.web.sta.app import Front

ZONES = 200
PURPOSE = "event-safety"
PROVIDER = "urn:nld:oin:00000099000000001000"
TICK_US = 5 * MINUTE_US
QUANTITIES = ("people", "density", "inflow", "outflow")


def party(number: int) -> tuple[str, KeyPair]:
    """A partner and its keys, the same for each number."""
    seed = hashlib.sha256(f"partner {number}".encode()).digest()
    private = base64.urlsafe_b64encode(seed).rstrip(b"=").decode()  # an Ed25519 key is any 32 bytes
    return f"urn:nld:oin:000000990000{number:08d}", KeyPair(private, public_of(private))


def agree(folder: Path, lab_key: str, own: KeyPair, parties: int) -> None:
    """An agreement with each partner: all zones, rounded, few people left out."""
    now_s = int(time.time())
    for number in range(1, parties + 1):
        consumer, keys = party(number)
        terms = Terms(
            purpose=PURPOSE,
            legal_regime="none",
            legal_ground="",
            what=What(kinds=("state", "history"), zones=("*",), quantities=QUANTITIES),
            form=Form(exactness="suppressed", step="5m", minimum=10, round_to=5),
            duties=Duties(delete_after="30d", name_source="Bench"),
        )
        content = Content(
            iv=f"06338364-8305-7b74-8000-{number:012d}",
            group_id="bench",
            created_at=now_s,
            validity=Validity(not_before=now_s - 60, not_after=now_s + 86_400),
            parties=(
                Party(id=PROVIDER, name="City", public_key=own.public),
                Party(id=consumer, name=f"Partner {number}", public_key=keys.public),
            ),
            grants=(Grant(provider=PROVIDER, consumer=consumer, lab=lab_key, properties=terms),),
        )
        agreement = Agreement(version=1, content=with_policies(content))
        agreement = sign(agreement, PROVIDER, own.private, "accept", now_s)
        agreement = sign(agreement, consumer, keys.private, "accept", now_s)
        write_agreement(folder / f"{content_hash(agreement.content)}.json", agreement)


def city(folder: Path) -> Lab:
    """A lab of 200 zones."""
    new_lab(folder)
    side = 0.001
    zones = {
        f"zone-{i}": Zone(f"zone-{i}", f"Zone {i}", box(x := i * side, 52.0, x + side / 2, 52.0 + side), 2500.0, None, None, None)
        for i in range(ZONES)
    }
    return replace(read_lab(folder), zones=zones, gates={}, count_points={}, sensors={})


class Drawn:
    """Figures as a station would have them, made up; a step ahead whenever told."""

    tick_us = TICK_US

    def __init__(self, station: Any) -> None:
        self.places = tuple(station.lab.zones)
        self.start_us = int(time.time() * 1e6) // TICK_US * TICK_US
        self._key = station.lab.key
        self._random = np.random.default_rng(1)
        self._newest: Figures | None = None
        station.source = self

    def refresh(self) -> None: ...

    def newest(self) -> Figures:
        if self._newest is None or self._newest.starts_us[0] != self.start_us:
            self._newest = self._figures("state", np.array([self.start_us]))
        return self._newest

    def history(self, from_us: int, until_us: int) -> Figures:
        return self._figures("history", np.arange(from_us, until_us, TICK_US))

    def forecast(self) -> None:
        return None

    def _figures(self, kind: Any, starts_us: Any) -> Figures:
        shape = (len(self.places), len(starts_us), len(BASE))
        value = self._random.uniform(0, 500, shape)
        hidden = np.zeros(shape, dtype=bool)
        return Figures(kind, self._key, self.places, BASE, starts_us, TICK_US, value, value * 0.9, value * 1.1, hidden)


class Room:
    """A room where nothing happens."""

    def listen(self) -> asyncio.Queue[Any]:
        return asyncio.Queue()

    def unlisten(self, queue: asyncio.Queue[Any]) -> None: ...

    def note(self) -> None: ...

    def warnings(self, language: str) -> list[Any]:
        return []


@contextlib.contextmanager
def sharing(folder: Path, parties: int) -> Iterator[tuple[assembling.Shared, Drawn]]:
    """The whole of sharing, over made-up figures."""
    data = folder / "data"
    data.mkdir()
    (data / "node.toml").write_text(f'[sharing]\nparty = "{PROVIDER}"\n')
    lab = city(folder / "city")
    own = node_keys(data, lab.key)
    (data / f"{lab.key}.agreements").mkdir()
    agree(data / f"{lab.key}.agreements", lab.key, KeyPair(own.private, own.public), parties)
    assembling.Source = Drawn  # type: ignore[misc, assignment]
    with Store(data / "bench.db", lab.key) as store:
        station = SimpleNamespace(lab=lab, store=store, source=None)
        with assembling.begin(station, Room(), data, WebSettings()) as shared:  # type: ignore[arg-type]
            yield shared, station.source  # type: ignore[misc]


async def _update(shared: assembling.Shared, source: Drawn, told: Path) -> None:
    """Every second one step more; when is written down, by the id that its event will have."""
    with told.open("w") as out:
        while True:
            await asyncio.sleep(1.0)
            source.start_us += TICK_US
            out.write(f"{source.start_us + TICK_US} {time.time()}\n")
            out.flush()
            shared.desk.look()


async def _serve(folder: Path, parties: int) -> None:
    with sharing(folder, parties) as (shared, source):
        rows = [
            {"place": place, "quantity": quantity, "start": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:05:00Z", "value": 1.5}
            for place in source.places
            for quantity in QUANTITIES
        ]

        async def plain(request: Any) -> Response:
            return Response(msgspec.json.encode({"figures": rows}), media_type="application/json")

        app = Starlette(routes=[Route("/plain", plain)], middleware=[Middleware(Front, services=(shared.app,))])
        listening = socket.create_server(("127.0.0.1", 0))
        server = plain_server(app)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        running = asyncio.create_task(shared.run(Room()))  # type: ignore[arg-type]
        updating = asyncio.create_task(_update(shared, source, folder / "updates.txt"))
        gc.freeze()  # as a node does
        print(listening.getsockname()[1], flush=True)
        await asyncio.wait({serving, running, updating}, return_when=asyncio.FIRST_COMPLETED)


if __name__ == "__main__":
    os.sched_setaffinity(0, {0})
    asyncio.run(_serve(Path(sys.argv[1]), int(sys.argv[2])))
