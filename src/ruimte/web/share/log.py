"""The transparency log over HTTP: its checkpoint, proofs and entries, for everybody; and cosignatures, from known witnesses.

The entries tell of no count and no person, so that reading them needs no token. What an entry commits to is never given here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ruimte.jobs.log import Log
from ruimte.ledger.note import MOST_BYTES
from ruimte.web.limits import Limit, address
from ruimte.web.problems import WebError, bad_field, not_found

ROOT = "/share/v1/log"
MOST_READS, MOST_POSTS = 600, 60
"""Requests of one address in a minute."""
DEFAULT_ENTRIES, MOST_ENTRIES = 100, 1000
_BODY_S = 10.0
_LARGEST = 2**53

WitnessKeys = Callable[[], Sequence[tuple[str, str]]]
"""Who may cosign now: names (a party's id) and public keys (base64url)."""


def log_routes(log: Log, witness_keys: WitnessKeys, root: str = ROOT) -> list[Route]:
    """The log's addresses under ``root``. Errors are ``WebError`` and ``RuimteError``, for who mounts them to answer."""
    reads, posts = Limit("too many requests", MOST_READS), Limit("too many cosignatures", MOST_POSTS)

    async def checkpoint(request: Request) -> Response:
        reads.spend(address(request))
        return PlainTextResponse(await run_in_threadpool(log.checkpoint))

    async def proof(request: Request) -> Response:
        reads.spend(address(request))
        index, there = _number(request.path_params["index"], "index"), await _size()
        if index >= there:
            raise not_found(f"there is no entry {index}", "index", f"ask for one below {there}")
        return PlainTextResponse(await run_in_threadpool(log.proof, index))

    async def consistency(request: Request) -> Response:
        reads.spend(address(request))
        _only(request, ("old", "new"))
        there = await _size()
        old, new = _query(request, "old", None), _query(request, "new", there)
        if not old <= new <= there:
            raise bad_field("old" if old > new else "new", f"the log has {there} entries", "ask for 0 ≤ old ≤ new ≤ size")
        return PlainTextResponse(await run_in_threadpool(log.consistency_file, old, new))

    async def entries(request: Request) -> Response:
        reads.spend(address(request))
        _only(request, ("start", "limit"))
        start, limit = _query(request, "start", 0), _query(request, "limit", DEFAULT_ENTRIES)
        if not 1 <= limit <= MOST_ENTRIES:
            raise bad_field("limit", "is out of range", f"ask for 1 to {MOST_ENTRIES}")
        found = await run_in_threadpool(log.entries, start, limit)
        return Response(b"".join(leaf + b"\n" for leaf in found), media_type="application/jsonl")

    async def _size() -> int:
        return await run_in_threadpool(lambda: log.size)

    async def cosignatures(request: Request) -> Response:
        posts.spend(address(request))
        text = await _body(request)
        names = await run_in_threadpool(lambda: log.cosign(text, witness_keys()))
        return Response(msgspec.json.encode({"cosigned": names}), media_type="application/json")

    return [
        Route(f"{root}/checkpoint", checkpoint, methods=["GET"]),
        Route(f"{root}/proofs/{{index}}", proof, methods=["GET"]),
        Route(f"{root}/consistency", consistency, methods=["GET"]),
        Route(f"{root}/entries", entries, methods=["GET"]),
        Route(f"{root}/cosignatures", cosignatures, methods=["POST"]),
    ]


def _only(request: Request, known: Sequence[str]) -> None:
    for name, _ in request.query_params.multi_items():
        if name not in known or len(request.query_params.getlist(name)) > 1:
            raise bad_field(name, "is unknown, or comes twice", f"use {' and '.join(known)}")


def _query(request: Request, name: str, default: int | None) -> int:
    text = request.query_params.get(name)
    if text is None and default is not None:
        return default
    return _number(text or "", name)


def _number(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 17) or int(text) > _LARGEST:
        raise bad_field(name, f"{text[:40]!r} is not a whole number", "write digits only")
    return int(text)


async def _body(request: Request) -> str:
    """The text of the body, or of the one JSON string in it."""
    pieces = bytearray()
    try:
        async with asyncio.timeout(_BODY_S):
            async for piece in request.stream():
                pieces += piece
                if len(pieces) > MOST_BYTES:
                    raise WebError(413, "the body is too large", "body", f"send at most {MOST_BYTES} bytes")
    except TimeoutError:
        raise WebError(408, "the body did not come in time", "body", "send it at once") from None
    try:
        as_json = request.headers.get("content-type", "").startswith("application/json")
        return msgspec.json.decode(pieces, type=str) if as_json else pieces.decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise bad_field("body", "is not text", "send the checkpoint with your line under it, as text/plain") from None
