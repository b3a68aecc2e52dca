"""Whatever is sent to the SensorThings service: an answer that is no 5xx, a store that stays whole, memory that stays flat."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp

from . import cases
from .asgi import Answer, Asgi
from .cases import Case
from .chunks import resident_mb, run, share
from .service import ROOT, sandbox_app
from .vocabulary import BODIES, SETS

GROWTH_MB = 20
"""How much memory may grow after the warm-up."""


class Service:
    """The service in this process, with ids of entities that exist for the cases to name."""

    def __init__(self, app: ASGIApp) -> None:
        self.asgi = Asgi(app)
        self._ids: dict[str, list[int]] = {}
        self._since = 0
        self._turn = 0
        self.stored = 0
        self.refused = 0

    def send(self, case: Case) -> Answer:
        """One case, with ids put in; entities are made anew where cases have deleted them all."""
        if self._since % 50 == 0:
            self._look_around()
        self._since += 1
        self._turn += 1
        path = cases.quoted_path(self._with_ids(case.path))
        body = self._with_ids(case.body.decode("latin-1")).encode("latin-1")
        answer = self.asgi.ask(case.method, f"{ROOT}/".encode() + path, case.query(), body, case.kind)
        self.stored += answer.status == 201
        self.refused += answer.status >= 400
        return answer

    def get(self, path: str) -> Any:
        """The JSON of a GET that must succeed."""
        path, _, query = path.removeprefix("http://127.0.0.1:8000").removeprefix(ROOT).partition("?")
        answer = self.asgi.ask("GET", ROOT.encode() + path.encode(), query.encode(), kind=None)
        assert answer.status == 200, f"{path}?{query}: {answer.status} {answer.body!r}"
        return json.loads(answer.body)

    def _look_around(self) -> None:
        for name in ("Datastreams", "MultiDatastreams", "Things", "Observations"):
            if not self.get(f"/{name}?$top=1")["value"]:
                for made in ("Datastreams", "MultiDatastreams"):
                    answer = self.asgi.ask("POST", f"{ROOT}/{made}".encode(), b"", json.dumps(BODIES[made]).encode())
                    assert answer.status == 201, answer.body
        self._ids = {name: [each["@iot.id"] for each in self.get(f"/{name}?$top=7&$select=id")["value"]] for name in SETS}

    def _id(self, before: str) -> int:
        """An id that exists in the set that the text before it names; of a Datastream where it names none."""
        named = next(
            (name for name in SETS if before.endswith(f"{name}(") and not before.endswith(f"Multi{name}(")), "Datastreams"
        )
        ids = self._ids[named] or [1]
        return ids[self._turn % len(ids)]

    def _with_ids(self, text: str) -> str:
        before, *rest = text.split("{id}")
        for part in rest:
            before += str(self._id(before)) + part
        return before


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def service(folder: Path) -> Iterator[Service]:
    with sandbox_app(folder) as app:
        made = Service(app)
        yield made
        made.asgi.close()


def check_answer(case: Case, answer: Answer) -> None:
    """No 5xx but 501 (an option that is not supported), and what it says can be read."""
    assert answer.status < 500 or answer.status == 501, answer.body
    kind = answer.headers.get("content-type", "")
    if answer.status >= 400:
        if case.method != "HEAD":
            error = json.loads(answer.body)
            assert error["code"] == answer.status
            assert error["message"]
    elif kind.startswith("application/json") and answer.body:
        json.loads(answer.body)


def test_requests_leave_the_service_whole(service: Service, folder: Path) -> None:
    number = share(0.8)
    memory: list[float] = []

    def remember(done: int) -> None:
        if done >= number * 0.4 and (now := resident_mb()) is not None:
            memory.append(now)

    run(number, cases.requests, lambda case: check_answer(case, service.send(case)), remember)
    assert service.stored > number * 0.02, "hardly anything was stored: these cases show nothing"
    assert service.refused > number * 0.2, "hardly anything was refused: these cases show nothing"
    assert not memory or memory[-1] - memory[0] < GROWTH_MB, f"memory grew from {memory[0]:.0f} to {memory[-1]:.0f} MB"
    everything_reads_back(service)
    store_is_whole(folder)


def everything_reads_back(service: Service) -> None:
    """Every entity is in the pages of its set, and answers by its own address, with its links."""
    for name in SETS:
        page = service.get(f"/{name}?$top=200&$count=true")
        count, seen = page["@iot.count"], []
        while True:
            seen += page["value"]
            if "@iot.nextLink" not in page:
                break
            page = service.get(page["@iot.nextLink"])
        assert len({each["@iot.id"] for each in seen}) == len(seen) == count
        for each in seen[:: max(1, len(seen) // 100)]:
            assert service.get(each["@iot.selfLink"]) == each
            for link, address in each.items():
                if link.endswith("@iot.navigationLink") and not link.startswith(("MultiDatastream@", "Datastream@")):
                    service.get(address)


def store_is_whole(folder: Path) -> None:
    """SQLite finds nothing wrong, and every Observation has its stream and its feature."""
    (path,) = folder.glob("*.db")
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        orphans = "SELECT count(*) FROM current_observations WHERE datastream_id NOT IN (SELECT id FROM datastreams)"
        assert connection.execute(orphans).fetchone() == (0,)
        for table, column in (("things", "properties"), ("datastreams", "result_type"), ("observations", "result_json")):
            wrong = f"SELECT count(*) FROM {table} WHERE {column} IS NOT NULL AND NOT json_valid({column})"
            assert connection.execute(wrong).fetchone() == (0,)
