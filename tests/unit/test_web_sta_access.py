"""A lab's service: who may read, who may write, and what a device's Observation may be."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it asks for another HTTP library than the one we test with
    from starlette.testclient import TestClient

from fake_room import FakeAccounts, FakeRoom
from ruimte.clock import SECOND_US, SystemClock, iso
from ruimte.jobs.inbox import Inbox
from ruimte.jobs.register import register_lab
from ruimte.jobs.sending import sent_rows
from ruimte.jobs.sensorthings import SensorThings
from ruimte.keys.signature import generate, sign
from ruimte.lab.files import DeviceEntry
from ruimte.lab.lab import Lab
from ruimte.lab.new import new_lab
from ruimte.lab.read import read_lab
from ruimte.sta.errors import StaError
from ruimte.store.sqlite import Store
from ruimte.web.app import create_app
from ruimte.web.settings import WebSettings
from ruimte.web.sta.access import authorise
from ruimte.web.sta.app import StaApp
from ruimte.web.sta.service import Service

ROOT = "/sta/v1.1"
DEVICE = {"authorization": "Bearer of-the-camera"}
READER = {"authorization": "Bearer of-a-reader"}
STEP_US = 300 * SECOND_US


class Tokens:
    """Two tokens, one device's and one reader's, and a device's certificate."""

    def device(self, token: str) -> str | None:
        return "camera" if token == "of-the-camera" else None

    def device_by_certificate(self, fingerprint: bytes) -> str | None:
        return "camera" if fingerprint == hashlib.sha256(b"certificate").digest() else None

    def reader(self, token: str) -> str | None:
        return "analyst" if token == "of-a-reader" else None


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    new_lab(tmp_path / "town")
    lab = read_lab(tmp_path / "town")
    lab.devices["camera"] = DeviceEntry("camera", "Camera", "sensorthings", [next(iter(lab.sensors))])
    return lab


@pytest.fixture
def store(lab: Lab, tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "town.db", lab.key, durable=False) as store:
        register_lab(lab, store)
        yield store


def visiting(
    lab: Lab,
    store: Store,
    accounts: FakeAccounts,
    *,
    anonymous: bool = False,
    certificate_header: str = "",
    peer: tuple[str, int] = ("127.0.0.1", 50_000),
) -> TestClient:
    things = SensorThings(store, SystemClock().now_us, Inbox(lab, store))
    settings = WebSettings()
    access = authorise(Tokens(), accounts, certificate_header=certificate_header, anonymous_writes=anonymous)
    service = StaApp(Service(things), access, settings, {})
    app = create_app(FakeRoom(), accounts, settings, [service])
    return TestClient(app, "http://localhost:8000", client=peer)


@pytest.fixture
def client(lab: Lab, store: Store) -> Iterator[TestClient]:
    with visiting(lab, store, FakeAccounts(auto=False)) as client:
        yield client


def stream(lab: Lab, store: Store) -> int:
    """The first datastream of the camera's sensor."""
    sensor = next(iter(lab.sensors.values()))
    return store.stream_ids()[f"{sensor.key}/{sensor.measures[0]}"]


def observation(steps: int = 0, **more: Any) -> dict[str, Any]:
    end = SystemClock().now_us() // STEP_US * STEP_US - steps * STEP_US
    return {"phenomenonTime": f"{iso(end - STEP_US)}/{iso(end)}", "result": 7, **more}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer wrong"}, 401),
        ({"authorization": "Basic b2Y6YQ=="}, 401),
        ({"cookie": "ruimte_session_8000=none"}, 401),
        (DEVICE, 403),
        (READER, 200),
    ],
)
@pytest.mark.parametrize("path", ["", "/Things", "/Observations?$top=0", "/api"])
def test_raw_figures_are_for_readers(client: TestClient, path: str, headers: dict[str, str], status: int) -> None:
    answer = client.get(ROOT + path, headers=headers)
    assert answer.status_code == status
    assert ("www-authenticate" in answer.headers) == (status == 401)


def test_who_is_signed_in_reads_and_does_not_write(lab: Lab, store: Store) -> None:
    accounts = FakeAccounts(auto=False)
    with visiting(lab, store, accounts) as client:
        client.cookies.set("ruimte_session_8000", accounts.welcome())
        assert len(client.get(f"{ROOT}/Datastreams").json()["value"]) == len(store.stream_ids())
        body = observation()
        assert client.post(f"{ROOT}/Datastreams({stream(lab, store)})/Observations", json=body).status_code == 401


def test_the_pages_are_where_they_were(client: TestClient) -> None:
    assert client.get("/healthz").status_code == 200
    assert client.get("/sta/v1.2/Things").status_code in (401, 404)


def test_a_device_sends_by_its_datastream_or_by_a_link_to_it(client: TestClient, lab: Lab, store: Store) -> None:
    id_ = stream(lab, store)
    first = client.post(f"{ROOT}/Datastreams({id_})/Observations", json=observation(2), headers=DEVICE)
    linked = observation(1, Datastream={"@iot.id": id_})
    second = client.post(f"{ROOT}/Observations", json=linked, headers=DEVICE)
    assert (first.status_code, second.status_code) == (201, 201), second.text
    assert client.get(second.headers["location"], headers=READER).json()["result"] == 7
    again = client.post(f"{ROOT}/Datastreams({id_})/Observations", json=observation(2), headers=DEVICE)
    assert again.headers["location"] == first.headers["location"], "sent again, it is the same"


def test_rows_of_a_device_are_judged_one_by_one(client: TestClient, lab: Lab, store: Store) -> None:
    group = {"Datastream": {"@iot.id": stream(lab, store)}, "components": ["phenomenonTime", "result"]}
    rows = [
        [observation(3)["phenomenonTime"], 5],
        [observation(2)["phenomenonTime"]],
        ["never", 5],
        [observation(1)["phenomenonTime"], 6],
    ]
    answer = client.post(f"{ROOT}/CreateObservations", json=[group | {"dataArray": rows}], headers=DEVICE)
    assert answer.status_code == 201
    assert [each.startswith("error: ") for each in answer.json()] == [False, True, True, False]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "Things", {"name": "a", "description": "b"}, 403),
        ("PATCH", "Things(1)", {"name": "a"}, 403),
        ("DELETE", "Observations(1)", None, 403),
        ("POST", "Things(1)/Locations/$ref", {"@iot.id": 1}, 403),
        ("POST", "Datastreams({stream})/Observations", {"result": 5, "FeatureOfInterest": {"@iot.id": 1}}, 403),
        (
            "POST",
            "Datastreams({stream})/Observations",
            {"result": 5, "validTime": "2026-01-01T00:00:00Z/2026-01-02T00:00:00Z"},
            403,
        ),
        ("POST", "Datastreams({stream})/Observations", {"result": 5, "mac": "x"}, 400),
        ("POST", "Datastreams({stream})/Observations", {"result": "many"}, 400),
        ("POST", "Datastreams({stream})/Observations", {}, 400),
        ("POST", "Datastreams({stream})/Observations", [], 400),
        ("POST", "Datastreams({other})/Observations", {"result": 5}, 403),
        ("POST", "Datastreams(9999)/Observations", {"result": 5}, 400),
        ("POST", "MultiDatastreams(1)/Observations", {"result": [5]}, 403),
        ("POST", "Things(1)/Datastreams({stream})/Observations", {"result": 5}, 403),
        ("POST", "Observations", {"result": 5}, 400),
        ("POST", "Observations", {"result": 5, "Datastream": {"name": "new"}}, 400),
        ("POST", "CreateObservations", [{"components": ["result"], "dataArray": []}], 400),
        ("POST", "CreateObservations", [5], 400),
    ],
)
def test_the_register_is_the_master(
    client: TestClient, lab: Lab, store: Store, method: str, path: str, body: Any, status: int
) -> None:
    ids = store.stream_ids()
    other = next(id_ for key, id_ in ids.items() if not key.startswith(next(iter(lab.sensors)) + "/"))
    answer = client.request(method, f"{ROOT}/{path.format(stream=stream(lab, store), other=other)}", json=body, headers=DEVICE)
    assert answer.status_code == status, answer.text
    assert client.get(f"{ROOT}/Observations", headers=READER).json()["value"] == []


def test_a_batch_gives_nobody_more(client: TestClient, lab: Lab, store: Store) -> None:
    post = {"method": "post", "url": f"Datastreams({stream(lab, store)})/Observations", "body": observation()}
    requests = [{"id": "1", "method": "get", "url": "Things"}, {"id": "2", **post}, {"id": "3", **post, "atomicityGroup": "g"}]
    sent = {"requests": requests}

    def statuses(headers: dict[str, str]) -> list[int]:
        return [each["status"] for each in client.post(f"{ROOT}/$batch", json=sent, headers=headers).json()["responses"]]

    assert statuses(DEVICE) == [403, 201, 403]
    assert statuses(READER) == [200, 401, 403]
    assert client.post(f"{ROOT}/$batch", json=sent).status_code == 401


def test_without_a_token_where_the_lab_allows_it(lab: Lab, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    body = observation()
    path = f"{ROOT}/Datastreams({stream(lab, store)})/Observations"
    with visiting(lab, store, FakeAccounts(auto=False), anonymous=True) as client:
        assert client.post(path, json=body).status_code == 401, "the inbox has the last word"
        assert client.get(f"{ROOT}/Things").status_code == 401, "to read is another matter"


@pytest.mark.parametrize(
    ("peer", "header", "status"),
    [
        (("127.0.0.1", 50_000), b"certificate", 201),
        (("192.168.1.9", 0), b"certificate", 201),  # a proxy here told of whom
        (("192.168.1.9", 50_000), b"certificate", 401),
        (("127.0.0.1", 50_000), b"another", 401),
    ],
)
def test_a_device_is_known_by_its_certificate_from_a_proxy_here(
    lab: Lab, store: Store, peer: tuple[str, int], header: bytes, status: int
) -> None:
    with visiting(lab, store, FakeAccounts(auto=False), certificate_header="Client-Cert", peer=peer) as client:
        shown = {"client-cert": f":{base64.b64encode(header).decode()}:"}
        path = f"{ROOT}/Datastreams({stream(lab, store)})/Observations"
        assert client.post(path, json=observation(), headers=shown).status_code == status
    with visiting(lab, store, FakeAccounts(auto=False)) as unasked:
        assert unasked.post(path, json=observation(1), headers=shown).status_code == 401


def test_a_signed_device_has_to_sign(lab: Lab, store: Store) -> None:
    private, public = generate()
    lab.devices["camera"] = DeviceEntry("camera", "Camera", "sensorthings", [next(iter(lab.sensors))], signing_key=public)
    path = f"{ROOT}/Datastreams({stream(lab, store)})/Observations"
    body = b'{"result": 3, "phenomenonTime": "%s"}' % observation()["phenomenonTime"].encode()
    with visiting(lab, store, FakeAccounts(auto=False)) as client:
        assert client.post(path, content=body, headers=DEVICE).status_code == 403
        message = sign(body, private, 1)
        message = message if isinstance(message, bytes) else message.encode()
        assert client.post(path, content=message, headers=DEVICE).status_code == 201
        assert client.post(path, content=message, headers=DEVICE).status_code == 409, "sent before"


def test_what_a_lab_takes_is_told_to_who_listens(lab: Lab, store: Store) -> None:
    async def run() -> list[Any]:
        things, heard = SensorThings(store, SystemClock().now_us, Inbox(lab, store)), []
        things.listen(lambda touched: heard.extend(each for one in touched for each in one.created))
        body = b'{"result": 3, "phenomenonTime": "%s"}' % observation()["phenomenonTime"].encode()
        made = await things.create(f"Datastreams({stream(lab, store)})/Observations", body, "camera")
        assert heard == [("Observation", made.id)]
        return heard

    assert len(asyncio.run(run())) == 1


@pytest.mark.parametrize(
    "group",
    [
        {"components": "result", "dataArray": []},
        {"components": ["phenomenonTime"], "dataArray": []},
        {"components": ["result", "result"], "dataArray": []},
        {"components": ["result"], "dataArray": 5},
        {"components": ["result", 5], "dataArray": []},
    ],
)
def test_a_group_that_cannot_be_read(group: dict[str, Any]) -> None:
    with pytest.raises(StaError):
        sent_rows([{"Datastream": {"@iot.id": 1}, **group}])
