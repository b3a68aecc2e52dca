"""The log over HTTP: everybody may read it, and only known witnesses may cosign."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.testclient import TestClient

from ledger_world import NOW_US, POLICE, POLICE_ID, open_log
from ruimte.errors import RuimteError
from ruimte.jobs.log import Log
from ruimte.ledger.checkpoint import cosign, open_checkpoint
from ruimte.ledger.note import read_note
from ruimte.ledger.proof import read_consistency, read_inclusion
from ruimte.ledger.tree import is_consistent, is_included, leaf_hash
from ruimte.web.problems import WebError
from ruimte.web.share.log import ROOT, log_routes


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with open_log(tmp_path / "town.log.db") as opened:
        opened.append_many([("release", {"secret": number}) for number in range(30)]).result()
        yield opened


@pytest.fixture
def client(log: Log) -> TestClient:
    async def told(request: Request, error: Exception) -> Response:
        assert isinstance(error, RuimteError)
        return JSONResponse({"detail": error.what}, error.status if isinstance(error, WebError) else 400)

    return TestClient(
        Starlette(routes=log_routes(log, lambda: [(POLICE_ID, POLICE.public)]), exception_handlers={RuimteError: told})
    )


def test_checkpoint_proof_and_entry_fit_together(client: TestClient, log: Log) -> None:
    said, _ = open_checkpoint(client.get(f"{ROOT}/checkpoint").text, log.key)
    proof = read_inclusion(client.get(f"{ROOT}/proofs/7").text)
    leaf = client.get(f"{ROOT}/entries", params={"start": 7, "limit": 1}).content[:-1]
    assert is_included(7, said.size, leaf_hash(leaf), proof.hashes, said.root)


def test_what_entries_commit_to_is_nowhere_to_be_read(client: TestClient, log: Log) -> None:
    kept = log.payload(7)
    assert kept is not None
    for path in ("checkpoint", "proofs/7", "entries", "consistency?old=3"):
        text = client.get(f"{ROOT}/{path}").text
        assert "secret" not in text
        assert kept[0] not in text


def test_a_consistency_proof_comes_with_both_checkpoints(client: TestClient, log: Log) -> None:
    proof = read_consistency(client.get(f"{ROOT}/consistency", params={"old": 11, "new": 23}).text)
    old, new = (open_checkpoint(text, log.key)[0] for text in (proof.old, proof.new))
    assert (old.size, new.size) == (11, 23)
    assert is_consistent(old.size, old.root, new.size, new.root, proof.hashes)


def test_entries_come_in_order_and_not_too_many_at_once(client: TestClient) -> None:
    assert len(client.get(f"{ROOT}/entries").text.splitlines()) == 30
    assert client.get(f"{ROOT}/entries", params={"start": 28, "limit": 10}).text.count("\n") == 2
    assert client.get(f"{ROOT}/entries", params={"limit": 5000}).status_code == 400


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("proofs/30", 404),
        ("proofs/-1", 400),
        ("proofs/x", 400),
        ("proofs/99999999999999999999", 400),
        ("consistency", 400),
        ("consistency?old=5&new=31", 400),
        ("consistency?old=9&new=8", 400),
        ("consistency?old=1&old=2", 400),
        ("entries?start=%C2%B2", 400),
        ("entries?begin=1", 400),
    ],
)
def test_what_is_not_there_is_told(client: TestClient, path: str, status: int) -> None:
    answer = client.get(f"{ROOT}/{path}")
    assert answer.status_code == status
    assert answer.json()["detail"]


def test_a_known_witness_may_cosign_as_text_or_as_a_json_string(client: TestClient, log: Log) -> None:
    shown = client.get(f"{ROOT}/checkpoint").text
    text = shown + str(cosign(read_note(shown).text, POLICE_ID, POLICE.private, NOW_US // 1_000_000))
    assert client.post(f"{ROOT}/cosignatures", json=text).json() == {"cosigned": [POLICE_ID]}
    assert client.post(f"{ROOT}/cosignatures", content=text).json() == {"cosigned": [POLICE_ID]}
    assert client.get(f"{ROOT}/checkpoint").text == text


@pytest.mark.parametrize("body", [b"", b"x", b"\xff", b"\xe2\x80\x94 a AAAAAAAA\n", b"a" * 70_000])
def test_what_is_no_cosignature_is_refused(client: TestClient, log: Log, body: bytes) -> None:
    assert client.post(f"{ROOT}/cosignatures", content=body).status_code in (400, 413)
    assert log.witnesses() == []


def test_who_asks_too_often_waits(client: TestClient) -> None:
    answers = {client.post(f"{ROOT}/cosignatures", content=b"x").status_code for _ in range(70)}
    assert answers == {400, 429}
