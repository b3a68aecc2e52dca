"""What the estimator remembers from call to call, as versioned bytes: never pickle, and readable by a later register."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from ruimte.errors import RuimteError
from ruimte.estimate.layout import LINK, READING, REPORT, SITE, STREAM, ZONE, Layout, kept, layout_of
from ruimte.estimate.state import State, blank_state, new_state
from ruimte.model.observation import OBSERVATIONS
from ruimte.model.place import Model

VERSION = 2
"""Version of the state's bytes. 1 was another filter: from it only begins anew."""
ROWS = tuple(OBSERVATIONS.names)

Rows = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Spoken:
    """What was last said of a tick: values (places, columns); as bytes what became of each datastream, and each place's age."""

    values: NDArray[np.float64]
    rest: bytes


@dataclass(slots=True)
class Memory:
    """The filters as they stood after tick ``settled`` (None: nothing was ever heard), the rows of later ticks in the order of
    receipt, what was last said of those ticks, and up to when each datastream was heard (µs, -1 never)."""

    settled: int | None
    state: State
    heard_us: NDArray[np.int64]
    rows: Rows
    spoken: dict[int, Spoken]


def new_memory(layout: Layout) -> Memory:
    """Nothing was heard yet."""
    heard = np.full(len(layout.streams) + len(layout.readings) + len(layout.reports), -1, dtype=np.int64)
    return Memory(None, new_state(layout), heard, no_rows(), {})


def no_rows() -> Rows:
    """An empty buffer."""
    return {name: np.zeros(0, OBSERVATIONS.field(name).type.to_pandas_dtype()) for name in ROWS}


def ids_of(layout: Layout) -> NDArray[np.int64]:
    """Ids of all datastreams whose rows count."""
    return np.concatenate([layout.streams.id, layout.readings.id, layout.readings.sd_id, layout.reports.id, layout.reports.sd_id])


def copy_of(state: State) -> State:
    """The same state in arrays of its own."""
    return State._make(part.copy() for part in state)


def dump(memory: Memory, model: Model) -> bytes:
    """The memory as bytes."""
    return msgspec.msgpack.encode(
        {
            "version": VERSION,
            "ticks": [model.tick_us, model.phase_us],
            "settled": memory.settled,
            "names": _names(model),
            "state": [part.tobytes() for part in memory.state],
            "heard_us": memory.heard_us.tobytes(),
            "rows": {name: column.tobytes() for name, column in memory.rows.items()},
            "spoken": [[tick, each.values.tobytes(), each.rest] for tick, each in memory.spoken.items()],
        }
    )


def load(body: bytes, model: Model, columns: int) -> Memory:
    """The memory out of bytes; a lab whose ticks have changed begins anew, as does one that an earlier version wrote.

    Where the register has changed, what is still there keeps its filter and what is new begins afresh. Raises ``RuimteError``
    where a newer version wrote it, or where these are no such bytes.
    """
    try:
        raw = msgspec.msgpack.decode(body)
        version = raw["version"]
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise RuimteError(f"cannot be read ({error})", "estimator state", "estimate anew: ruimte estimate LAB") from None
    if version > VERSION:
        raise RuimteError(f"made by a newer Ruimte (version {version})", "estimator state", "upgrade Ruimte")
    layout = layout_of(model)
    if version < VERSION or raw["ticks"] != [model.tick_us, model.phase_us]:
        # rates and variances are per tick: with other ticks they mean nothing
        return new_memory(layout)
    rows = {name: np.frombuffer(raw["rows"][name], column.dtype) for name, column in no_rows().items()}
    if raw["names"] == _names(model):
        heard_us = np.frombuffer(raw["heard_us"], np.int64).copy()
        spoken = {tick: Spoken(np.frombuffer(values).reshape(-1, columns), rest) for tick, values, rest in raw["spoken"]}
        return Memory(raw["settled"], _read(raw["state"], blank_state(layout)), heard_us, rows, spoken)
    memory = new_memory(layout)
    memory.settled, memory.rows = raw["settled"], rows
    _carry_over(msgspec.msgpack.decode(raw["names"]), raw, model, layout, memory)
    known = np.isin(memory.rows["datastream"], ids_of(layout))
    memory.rows = {name: column[known] for name, column in memory.rows.items()}
    return memory


def _read(parts: list[bytes], shaped: State) -> State:
    """The arrays of a state, shaped as in another."""
    pairs = zip(parts, shaped, strict=True)
    return State(*(np.frombuffer(body, like.dtype).reshape(like.shape).copy().view(type(like)) for body, like in pairs))


@kept
def _names(model: Model) -> bytes:
    """Of every site: its key, and the names of its zones, links, streams and readings, in the layout's order; and what shapes
    the arrays besides."""
    return msgspec.msgpack.encode(_name(model))


def _name(model: Model) -> dict[str, Any]:
    layout = layout_of(model)
    return {
        "zone_at": layout.sites.zone.tolist(),
        "link_at": layout.sites.link.tolist(),
        "stream_at": layout.sites.stream.tolist(),
        "reading_at": layout.sites.reading.tolist(),
        "zones": [model.places[z].key for z in layout.zones.place.tolist()],
        "links": [_link_name(model, link) for link in layout.links.model.tolist()],
        "streams": layout.streams.id.tolist(),
        "readings": layout.readings.id.tolist(),
        "slots": layout.day_bins,
        "stays": layout.zones.stay.tolist(),
        **({"reports": layout.reports.id.tolist()} if len(layout.reports) else {}),
    }


def _link_name(model: Model, number: int) -> str:
    link = model.links[number]
    return f"{link.gate}/{link.way}"


def _carry_over(old: dict[str, Any], raw: dict[str, Any], model: Model, layout: Layout, memory: Memory) -> None:
    """Give every zone, link, stream and reading that is in both registers what the filter knew of it."""
    new = _name(model)
    before = _read(raw["state"], blank_state(_shape(old)))
    state = memory.state
    zones, links, streams, readings = (_matches(old[kind], new[kind]) for kind in ("zones", "links", "streams", "readings"))
    for kind, pairs in (("zones", zones), ("links", links), ("streams", streams), ("readings", readings)):
        getattr(state, kind)[pairs[1]] = getattr(before, kind)[pairs[0]]
    # who came in is kept in a ring as long as the longest stay; where that has changed, it begins anew
    alike = before.recent.shape[1] == state.recent.shape[1]
    for i, j in zip(*zones, strict=True):
        if alike and old["stays"][i] == new["stays"][j]:
            state.recent[j] = before.recent[i]
        else:
            state.zones.filled[j] = 0
    if old["slots"] == new["slots"]:
        state.profile[links[1]] = before.profile[links[0]]
        state.visits[links[1]] = before.visits[links[0]]
    heard = np.frombuffer(raw["heard_us"], np.int64)
    memory.heard_us[streams[1]] = heard[streams[0]]
    shift_old, shift_new = len(old["streams"]), len(new["streams"])
    memory.heard_us[[shift_new + i for i in readings[1]]] = heard[[shift_old + i for i in readings[0]]]
    shift_old, shift_new = shift_old + len(old["readings"]), shift_new + len(new["readings"])
    reports = _matches(old.get("reports", []), new.get("reports", []))
    memory.heard_us[[shift_new + i for i in reports[1]]] = heard[[shift_old + i for i in reports[0]]]
    _carry_filter(_parts(old, "flow"), before.flow_x, before.flow_p, _parts(new, "flow"), state.flow_x, state.flow_p)
    _carry_filter(_parts(old, "people"), before.people_x, before.people_p, _parts(new, "people"), state.people_x, state.people_p)


def _shape(names: dict[str, Any]) -> Layout:
    """As much of an earlier layout as a state's arrays need."""
    sites = np.zeros(len(names["zone_at"]), dtype=SITE).view(np.recarray)
    for kind in ("zone", "link", "stream", "reading"):
        sites[kind] = names[f"{kind}_at"]
    zone, link, stream, reading = (np.diff(sites[kind]) for kind in ("zone", "link", "stream", "reading"))
    flows, people = 1 + link, zone + stream + link + reading
    for kind, lengths in (("flow", flows), ("flow_p", flows**2), ("people", people), ("people_p", people**2)):
        sites[kind][1:] = np.cumsum(lengths)
    shapes = (("zones", ZONE), ("links", LINK), ("streams", STREAM), ("readings", READING))
    parts = {kind: np.zeros(len(names[kind]), dtype=record).view(np.recarray) for kind, record in shapes}
    parts["zones"].stay = names["stays"]
    parts["reports"] = np.zeros(0, dtype=REPORT).view(np.recarray)
    return Layout(sites=sites, day_bins=names["slots"], tick_h=1.0, **parts)


def _parts(names: dict[str, Any], filter_: str) -> list[list[tuple[str, Any]]]:
    """Of every site, the names of the numbers of a filter, in its order."""
    found = []
    for site in range(len(names["zone_at"]) - 1):
        part = {
            kind: names[f"{kind}s"][names[f"{kind}_at"][site] : names[f"{kind}_at"][site + 1]]
            for kind in ("zone", "link", "stream", "reading")
        }
        if filter_ == "flow":
            # what a site shares goes with its first link
            found.append([("common", part["link"][0] if part["link"] else site), *(("own", link) for link in part["link"])])
        else:
            kinds = (("people", "zone"), ("scale", "stream"), ("error", "link"), ("seen", "reading"))
            found.append([(name, each) for name, kind in kinds for each in part[kind]])
    return found


def _carry_filter(
    old: list[list[tuple[str, Any]]],
    old_x: NDArray[np.float64],
    old_p: NDArray[np.float64],
    new: list[list[tuple[str, Any]]],
    x: NDArray[np.float64],
    p: NDArray[np.float64],
) -> None:
    """Numbers keep their mean, and their covariance with what stood in the same site."""
    where: dict[tuple[str, Any], tuple[int, int]] = {}
    x_at = p_at = 0
    blocks = []
    for site, names in enumerate(old):
        n = len(names)
        where |= {name: (site, i) for i, name in enumerate(names)}
        blocks.append((old_x[x_at : x_at + n], old_p[p_at : p_at + n * n].reshape(n, n)))
        x_at, p_at = x_at + n, p_at + n * n
    x_at = p_at = 0
    for names in new:
        n = len(names)
        mean, spread = x[x_at : x_at + n], p[p_at : p_at + n * n].reshape(n, n)
        found = [(i, *where[name]) for i, name in enumerate(names) if name in where]
        for i, site, k in found:
            mean[i] = blocks[site][0][k]
            # what is new has nothing in common with what is known better by now: else the whole is no covariance any more
            spread[i, :] = 0.0
            spread[:, i] = 0.0
        for i, site, k in found:
            for j, other, q in found:
                if other == site:
                    spread[i, j] = blocks[site][1][k, q]
        x_at, p_at = x_at + n, p_at + n * n


def _matches(old: list[Any], new: list[Any]) -> tuple[list[int], list[int]]:
    """Positions in ``old`` and in ``new`` of what is in both."""
    at = {key: index for index, key in enumerate(new)}
    pairs = [(i, at[key]) for i, key in enumerate(old) if key in at]
    return [i for i, _ in pairs], [j for _, j in pairs]
