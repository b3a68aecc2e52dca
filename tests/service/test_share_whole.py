"""The API over the real desk of a running lab: every address answers as it is described, in every form."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest
from test_share_desk import World, grant

from agreed import CITY, KEYS, NOW_S, POLICE
from fake_desk import FakeWho
from receivers import Receiver
from ruimte.clock import SECOND_US, iso
from ruimte.jobs.webhooks import Webhooks
from ruimte.keys.signature import verify
from ruimte.share import formats
from ruimte.share.agreement import What
from ruimte.share.event import read_event
from ruimte.store.webhooks import WebhookFile
from ruimte.web.settings import WebSettings
from ruimte.web.share.app import ShareApp
from share_description import conforms

BASE = "https://crowd.example.org"
EVERYTHING = What(
    kinds=("state", "forecast", "warnings", "history"),
    zones=("*",),
    gates=("*",),
    quantities=("people", "inflow", "level", "flow"),
)


async def _police(request: object) -> FakeWho:
    return FakeWho(POLICE)


@pytest.fixture
def work(start: Any, tmp_path: Any) -> Any:
    """Does something as the police, with what has been agreed."""
    run = start()
    run.tick()
    run.tick()
    world = World(run, tmp_path)
    world.agree(grant(what=EVERYTHING))

    def begin(test: Callable[[World, httpx.AsyncClient], Awaitable[None]]) -> None:
        with WebhookFile(tmp_path / "hooks.db") as file:
            hooks = Webhooks(world.desk, file, world.lab.key, lambda: NOW_S * SECOND_US)
            settings = WebSettings(hosts=("crowd.example.org",), base_url=BASE)
            app = ShareApp(world.lab, world.desk, hooks, settings, identify=_police, now_us=lambda: NOW_S * SECOND_US)

            async def go() -> None:
                async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"{BASE}/share/v1") as http:
                    await test(world, http)

            asyncio.run(go())

    yield begin
    world.open.close()


def test_every_read_is_as_described(work: Any) -> None:
    async def test(world: World, http: httpx.AsyncClient) -> None:
        end_us = int(world.run.station.picture.end_us)  # type: ignore[attr-defined]
        period = {"from": iso(end_us - 6 * 3600 * SECOND_US), "until": iso(end_us)}
        for path, parameters in (("/state", {}), ("/forecast", {}), ("/history", period)):
            for form in formats.MEDIA_TYPES:
                answer = await http.get(path, params=parameters, headers={"accept": form})
                assert answer.status_code == 200, answer.text
                assert answer.headers["content-type"] == form
                conforms(answer, path, "get")
        for path in ("/warnings", "/agreements", "/places", "/webhooks"):
            answer = await http.get(path)
            assert answer.status_code == 200, answer.text
            conforms(answer, path, "get")
        known = (await http.get("/agreements")).json()["agreements"][0]["hash"]
        conforms(await http.get(f"/agreements/{known}"), "/agreements/{hash}", "get")

    work(test)


def test_the_forms_tell_the_same(work: Any) -> None:
    async def test(world: World, http: httpx.AsyncClient) -> None:
        asked = {"zones": "square", "quantities": "people"}
        figures = (await http.get("/state", params=asked)).json()["figures"]
        assert [(row["place"], row["quantity"]) for row in figures] == [("square", "people")]
        lines = list(csv.DictReader(io.StringIO((await http.get("/state", params=asked, headers={"accept": "text/csv"})).text)))
        assert [float(line["value"]) for line in lines] == [row["value"] for row in figures]
        parquet = await http.get("/state", params=asked, headers={"accept": formats.PARQUET})
        assert pq.read_table(io.BytesIO(parquet.content))["value"].to_pylist() == [row["value"] for row in figures]

    work(test)


def test_what_the_desk_refuses_is_told_with_its_entry_in_the_log(work: Any) -> None:
    async def test(world: World, http: httpx.AsyncClient) -> None:
        for path, asked, reason in (
            ("/state", {"zones": "moon"}, "places"),
            ("/state", {"step": "5m"}, "step"),
            ("/state", {"quantities": "density"}, "quantities"),
            ("/state", {"agreement": "x" * 86}, "no-agreement"),
        ):
            answer = await http.get(path, params=asked)
            conforms(answer, path, "get")
            told = answer.json()
            assert (answer.status_code, told["reason"]) == (403, reason)
            kept = world.log.payload(told["decision"])
            assert kept is not None
            assert (kept[1]["allowed"], kept[1]["reason"]) == (False, reason)

    work(test)


def test_places_are_those_of_the_grant(work: Any) -> None:
    async def test(world: World, http: httpx.AsyncClient) -> None:
        told = (await http.get("/places")).json()
        keys = {feature["id"] for feature in told["features"]}
        assert keys == {*world.lab.zones, *world.lab.count_points, *world.lab.gates}
        state = json.loads((await http.get("/state")).content)
        assert set(state["meta"]["places"]) <= keys, "a place that is told of can be found on the map"

    work(test)


def test_a_webhook_gets_each_step_once_and_nothing_after_the_agreement(work: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ruimte.jobs.sharing.LOOK_AGAIN_S", 0.05)

    async def test(world: World, http: httpx.AsyncClient) -> None:
        with Receiver() as receiver, WebhookFile(world.folder / "own.db") as file:
            hooks = Webhooks(world.desk, file, world.lab.key, lambda: world.now_us, allow_private=True)
            running = asyncio.create_task(hooks.run())
            made = await hooks.add(world.ask(), "state", receiver.url(), "crowd.example.org")
            await _until(lambda: len(receiver.received) == 1)
            await asyncio.to_thread(world.run.tick)  # type: ignore[attr-defined]
            world.desk.look()
            await _until(lambda: len(receiver.received) == 2)
            await _until(lambda: hooks.of(POLICE)[0].last_id == str(world.run.station.picture.end_us))  # type: ignore[attr-defined]
            for got in receiver.received:
                headers = {name.lower(): value for name, value in got.headers.items()}
                verify(headers["ruimte-signature"], KEYS[CITY].public, got.body)
                event = read_event(got.body)
                kept = world.log.payload(int(event.logindex))
                assert kept is not None
                assert kept[1]["sha256"] == hashlib.sha256(bytes(event.data)).hexdigest()
            ids = [read_event(got.body).id for got in receiver.received]
            assert len(set(ids)) == 2
            world.book.sign(world.book.all()[0].hash, "revoke", KEYS[CITY])
            await _until(lambda: hooks.of(POLICE)[0].reason == "revoked")
            await asyncio.to_thread(world.run.tick)  # type: ignore[attr-defined]
            world.desk.look()
            await asyncio.sleep(0.2)
            assert len(receiver.received) == 2
            assert hooks.of(POLICE)[0].id == made.id
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    work(test)


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.01)
