"""Changes: from a method and an address to what is done, alone or together with others in one transaction."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from urllib.parse import parse_qs

from ruimte.jobs.sensorthings import Changes, SensorThings, address
from ruimte.sta.entities import ENTITIES
from ruimte.sta.path import Path
from ruimte.store.sta.write import Touched
from ruimte.web.problems import WebError
from ruimte.web.sta.exchange import Ask, Reply, encode
from ruimte.web.sta.read import read

JSON_PATCH = "application/json-patch+json"


def allowed(path: Path) -> tuple[str, ...]:
    """The methods that an address has."""
    if path.prop:
        return "GET", "HEAD"
    if path.ref:
        return ("GET", "HEAD", "POST", "DELETE") if path.is_set else ("GET", "HEAD", "PUT", "DELETE")
    return ("GET", "HEAD", "POST") if path.is_set else ("GET", "HEAD", "PATCH", "PUT", "DELETE")


async def change(things: SensorThings, ask: Ask) -> Reply:
    """The answer to a POST, PATCH, PUT or DELETE, once it is durable. Raises ``StaError`` where it cannot be done."""
    if ask.method == "POST" and not address(ask.path).ref:
        touched = await things.create(ask.path, ask.body, ask.caller.device)
    else:
        touched = await things.transact(lambda changes: apply(changes, ask))
    reply = made(ask, touched)
    if "return=representation" in ask.prefer and ask.caller.may_read and ask.method != "DELETE":
        at = f"{ENTITIES[touched.entity].set_name}({touched.id})"
        shown = await asyncio.to_thread(read, things, replace(ask, path=at, query=""))
        return replace(shown, status=reply.status, headers={**reply.headers, **shown.headers})
    return reply


def apply(changes: Changes, ask: Ask) -> Touched:
    """Do it, within a transaction."""
    path = address(ask.path)
    match ask.method:
        case "POST" if path.ref:
            return changes.link(ask.path, ask.body)
        case "POST":
            return changes.create(ask.path, ask.body)
        case "PUT" if path.ref:
            return changes.link(ask.path, ask.body)
        case "PUT":
            return changes.update(ask.path, ask.body, replace=True)
        case "PATCH" if ask.kind.lower().startswith(JSON_PATCH):
            return changes.json_patch(ask.path, ask.body)
        case "PATCH":
            return changes.update(ask.path, ask.body, replace=False)
        case "DELETE" if path.ref:
            return changes.unlink(ask.path, ask.body or _named(ask.query))
        case "DELETE":
            return changes.delete(ask.path)
    raise WebError(405, "this cannot be done here", ask.method, f"use {' or '.join(allowed(path))}")


def made(ask: Ask, touched: Touched) -> Reply:
    """What is answered to a change that was made: where a new entity is."""
    if ask.method == "POST" and not address(ask.path).ref:
        return Reply(201, headers={"location": f"{ask.base}/{ENTITIES[touched.entity].set_name}({touched.id})"})
    return Reply(200)


async def create_observations(things: SensorThings, ask: Ask) -> Reply:
    """The answer to a data array: for each row the link to its Observation, or ``error`` and why."""
    taken = await things.create_observations(ask.body, ask.caller.device)
    links = f"{ask.base}/Observations("
    return Reply(201, encode([f"{links}{each})" if isinstance(each, int) else f"error: {each}" for each in taken]))


def _named(query: str) -> bytes:
    """A reference in ``$id``, as OData has it, as one in a body."""
    found = parse_qs(query).get("$id")
    return encode({"@id": found[-1]}) if found else b""
