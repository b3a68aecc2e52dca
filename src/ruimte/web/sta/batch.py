"""Several requests in one (OGC 18-088, clause 11): as multipart (OData 4.01 Protocol, 11.7.7) and as JSON (OData 4.01 JSON, 19).

Requests that form a group are done in one transaction, all or none. A request may use what an earlier one made: ``$ID`` begins
its address, or stands as an ``@iot.id`` in its body. One that fails does not stop the others, but those that rest on it (424).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import msgspec

from ruimte.errors import RuimteError
from ruimte.jobs.sensorthings import Changes, SensorThings, decode
from ruimte.sta.errors import StaError
from ruimte.web.problems import WebError
from ruimte.web.sta import multipart
from ruimte.web.sta.change import apply, made
from ruimte.web.sta.exchange import JSON, READS, Ask, Part, Reply, encode, refusal

MOST = 1000
"""Requests in one batch."""
_METHODS = ("GET", "HEAD", "POST", "PATCH", "PUT", "DELETE")
_LINKS = ("@iot.id", "@id", "@odata.id")

Answering = Callable[[Ask], Awaitable[Reply]]


async def answer(things: SensorThings, ask: Ask, answering: Answering) -> Reply:
    """The answer to a batch; ``answering`` answers each request that is in no group. Raises ``StaError`` (400)."""
    is_multipart = ask.kind.lower().startswith("multipart/mixed")
    parts = multipart.read(ask.body, ask.kind) if is_multipart else _read_json(ask.body)
    _check(parts)
    replies = await _Run(things, ask, answering).all(parts)
    if is_multipart:
        return multipart.write(parts, replies)
    return Reply(200, encode({"responses": [_response(part, reply) for part, reply in zip(parts, replies, strict=True)]}))


def _check(parts: Sequence[Part]) -> None:
    if not 0 < len(parts) <= MOST:
        raise StaError(f"{len(parts)} requests", "batch", f"send 1 to {MOST} in one batch")
    groups = [group for group, _ in groupby(part.group for part in parts) if group is not None]
    for name, times in Counter([*groups, *(part.id for part in parts)]).items():
        if times > 1:
            raise StaError(
                f"{name[:40]!a} is named twice, or its group is torn apart", "batch", "give each request and group one name"
            )


class _Undone(Exception):  # noqa: N818 - it carries the error
    """What stopped a group, and in which part."""

    def __init__(self, part: Part, error: RuimteError) -> None:
        super().__init__(str(error))
        self.part, self.error = part, error


class _Run:
    """One batch under way: what was made so far, by name, and which names failed."""

    def __init__(self, things: SensorThings, ask: Ask, answering: Answering) -> None:
        self._things, self._ask, self._answering = things, ask, answering
        self._made: dict[str, str] = {}
        self._failed: set[str] = set()

    async def all(self, parts: Sequence[Part]) -> list[Reply]:
        """The replies, in the order of the parts."""
        replies: list[Reply] = []
        for group, members in groupby(parts, key=lambda part: part.group or part.id):
            together = list(members)
            found = await self._group(together) if together[0].group is not None else [await self._one(together[0])]
            for part, reply in zip(together, found, strict=True):
                if reply.status >= 400:
                    self._failed |= {part.id, group}
                elif location := reply.headers.get("location"):
                    self._made[part.id] = location.removeprefix(f"{self._ask.base}/")
            replies += found
        return replies

    async def _one(self, part: Part) -> Reply:
        try:
            return await self._answering(self._request(part, self._made))
        except RuimteError as error:
            return refusal(error)

    async def _group(self, parts: list[Part]) -> list[Reply]:
        try:
            return await self._things.transact(lambda changes: self._together(changes, parts))
        except _Undone as undone:
            stopped = refusal(undone.error)
            others = refusal(WebError(424, f"not done, for {undone.part.id[:40]!a} in its group failed", "batch"))
            return [stopped if part is undone.part else others for part in parts]
        except RuimteError as error:
            return [refusal(error)] * len(parts)

    def _together(self, changes: Changes, parts: list[Part]) -> list[Reply]:
        """Do a group, within a transaction."""
        seen = dict(self._made)
        replies = []
        for part in parts:
            try:
                request = self._request(part, seen)
                if request.method in READS:
                    raise StaError("a group only makes changes", part.method, "read outside of it")
                reply = made(request, apply(changes, request))
            except RuimteError as error:
                raise _Undone(part, error) from None
            if location := reply.headers.get("location"):
                seen[part.id] = location.removeprefix(f"{self._ask.base}/")
            replies.append(reply)
        return replies

    def _request(self, part: Part, seen: dict[str, str]) -> Ask:
        """The request of a part, with what it refers to put in. Raises ``StaError`` 400, ``WebError`` 424 where that failed."""
        if failed := [name for name in part.after if name in self._failed]:
            raise _rests_on(failed[0])
        path, _, query = _relative(part.url).partition("?")
        first, slash, rest = path.partition("/")
        if first == "$batch":
            raise StaError("a batch holds no batch", "batch", "send it by itself")
        if first.startswith("$"):
            path = self._refer(first, seen) + slash + rest
        if part.method not in _METHODS:
            raise StaError(f"{part.method[:20]!a} is no method", "batch", f"use {', '.join(_METHODS)}")
        body = part.body
        if b'"$' in body:
            try:
                body = encode(self._with_ids(decode(body), seen))
            except RecursionError:
                raise StaError("is nested too deep", "body", "send it flatter") from None
        return replace(self._ask, method=part.method, path=path, query=query, body=body, kind=part.kind, prefer="", gzip=False)

    def _refer(self, name: str, seen: dict[str, str]) -> str:
        if name[1:] in self._failed:
            raise _rests_on(name[1:])
        if name[1:] not in seen:
            raise StaError(f"nothing was made by the name {name[:40]!a}", "batch", "name a request that comes before")
        return seen[name[1:]]

    def _with_ids(self, value: Any, seen: dict[str, str]) -> Any:
        if isinstance(value, list):
            return [self._with_ids(each, seen) for each in value]
        if not isinstance(value, dict):
            return value
        return {
            key: self._id(each, seen)
            if key in _LINKS and isinstance(each, str) and each.startswith("$")
            else self._with_ids(each, seen)
            for key, each in value.items()
        }

    def _id(self, name: str, seen: dict[str, str]) -> int | str:
        made = self._refer(name, seen)
        return int(made.partition("(")[2].rstrip(")"))


def _rests_on(name: str) -> WebError:
    return WebError(424, f"not done, for {name[:40]!a} failed", "batch")


def _relative(url: str) -> str:
    """An address within the service, from one that is relative to it, or absolute.

    >>> _relative("http://localhost:8000/sta/v1.1/Things(1)?$select=name"), _relative("/v1.1/Things"), _relative("Things")
    ('Things(1)?$select=name', 'Things', 'Things')
    """
    path, mark, query = url.partition("?")
    if "://" in path:
        path = "/" + path.partition("://")[2].partition("/")[2]
    steps = path.strip("/").split("/")
    if (path.startswith("/") and "v1.1" in steps) or steps[0] == "v1.1":
        steps = steps[steps.index("v1.1") + 1 :]
    return "/".join(steps) + mark + query


# --- JSON ---------------------------------------------------------------------------------------------------------------


class _Request(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    method: str
    url: str
    headers: dict[str, str] = {}
    body: msgspec.Raw = msgspec.Raw(b"")
    atomicity_group: str | None = msgspec.field(default=None, name="atomicityGroup")
    depends_on: list[str] = msgspec.field(default_factory=list, name="dependsOn")


class _Batch(msgspec.Struct):
    requests: list[_Request]


_decoder = msgspec.json.Decoder(_Batch)


def _read_json(body: bytes) -> list[Part]:
    try:
        requests = _decoder.decode(body).requests
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        mend = 'send {"requests": [{"id": "1", "method": "get", "url": "Things"}]}, or multipart/mixed'
        raise StaError(f"is no batch ({error})", "body", mend) from None
    return [_part(request) for request in requests]


def _part(request: _Request) -> Part:
    kinds = [value for name, value in request.headers.items() if name.lower() == "content-type"]
    kind = kinds[0] if kinds else JSON
    after = tuple(request.depends_on)
    return Part(request.id, request.method.upper(), request.url, bytes(request.body), kind, request.atomicity_group, after)


def _response(part: Part, reply: Reply) -> dict[str, Any]:
    response: dict[str, Any] = {"id": part.id, "status": reply.status}
    if part.group is not None:
        response["atomicityGroup"] = part.group
    headers = {**reply.headers, **({"content-type": reply.kind} if reply.body else {})}
    if headers:
        response["headers"] = headers
    if reply.body:
        response["body"] = msgspec.Raw(reply.body) if "json" in reply.kind else reply.body.decode()
    return response
