"""Reads: from an address and its options to JSON, plain text, data arrays, CSV or GeoJSON."""

from __future__ import annotations

import gzip
from collections.abc import Callable

from ruimte.jobs.sensorthings import SensorThings, address
from ruimte.sta.errors import StaError
from ruimte.sta.options import Options, parse_options
from ruimte.sta.path import Path
from ruimte.store.sta.read import Answer
from ruimte.web.sta.exchange import Ask, Reply, encode
from ruimte.web.sta.shapes import data_arrays, features, table

_WORTH_PACKING = 4096
"""Bytes from which an answer is compressed, at the lowest level: a node has better things to do."""


def read(things: SensorThings, ask: Ask) -> Reply:
    """The answer to a GET. For a thread: it waits for the disk. Raises ``StaError`` as ``SensorThings.get``."""
    path = address(ask.path)
    options = parse_options(ask.query, path.entity)
    reply = _SHAPES[_format(options, path)](things, path, options, ask.base)
    if ask.gzip and len(reply.body) >= _WORTH_PACKING:
        packed = gzip.compress(reply.body, 1)
        return Reply(reply.status, packed, reply.kind, {**reply.headers, "content-encoding": "gzip", "vary": "accept-encoding"})
    return reply


def _plain(things: SensorThings, path: Path, options: Options, base: str) -> Reply:
    answer = things.look(path, options, base)
    if answer.body is None:
        return Reply(204)
    if answer.kind == "value":
        text = answer.body if isinstance(answer.body, str) else encode(answer.body).decode()
        return Reply(200, text.encode(), "text/plain; charset=utf-8")
    return Reply(200, encode(answer.body))


def _data_array(things: SensorThings, path: Path, options: Options, base: str) -> Reply:
    if path.entity.name != "Observation" or not path.is_set or options.expand:
        raise StaError("only a set of Observations has data arrays", "$resultFormat", "leave it out, and $expand too")
    answer = things.look(path, options, base)
    return Reply(200, encode({**answer.body, "value": data_arrays(answer.rows, answer.streams, options.select, base)}))


def _csv(things: SensorThings, path: Path, options: Options, base: str) -> Reply:
    answer = things.look(path, options, base)
    return Reply(200, table(answer.rows, options.select), "text/csv; charset=utf-8; header=present", _next(answer))


def _geojson(things: SensorThings, path: Path, options: Options, base: str) -> Reply:
    answer = things.look(path, options, base)
    collection = {"type": "FeatureCollection", "features": features(answer.rows, path.entity)}
    page = {name: value for name, value in answer.body.items() if path.is_set and name != "value"}
    return Reply(200, encode(collection | page), "application/geo+json", _next(answer))


_SHAPES: dict[str, Callable[[SensorThings, Path, Options, str], Reply]] = {
    "": _plain,
    "dataarray": _data_array,
    "csv": _csv,
    "geojson": _geojson,
}


def _format(options: Options, path: Path) -> str:
    wanted = (options.result_format or "").lower()
    if wanted not in _SHAPES:
        raise StaError(f"{wanted[:40]!a} is not served", "$resultFormat", "use dataArray, CSV or GeoJSON", 501)
    if wanted and (path.prop or path.ref):
        raise StaError("has one form only", "$resultFormat", "leave it out")
    return wanted


def _next(answer: Answer) -> dict[str, str]:
    """Where the next page is, for shapes that have no place to say so (RFC 8288)."""
    return {} if answer.next_link is None else {"link": f'<{answer.next_link}>; rel="next"'}
