"""Released figures as bytes: JSON, CSV, Parquet, NGSI-LD and a SensorThings data array."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ruimte.clock import HOUR_US, SECOND_US, iso
from ruimte.errors import RuimteError
from ruimte.intake.devices.ngsi_output import to_crowd_flow_observed
from ruimte.share.figures import Array, Figures
from ruimte.share.places import PlaceInfo
from ruimte.text import pick

JSON = "application/json"
CSV = "text/csv"
PARQUET = "application/vnd.apache.parquet"
NGSI_LD = "application/ld+json"
SENSORTHINGS = "application/vnd.ogc.sta.data-array+json"
MEDIA_TYPES = (JSON, CSV, PARQUET, NGSI_LD, SENSORTHINGS)
_DECIMALS = 4


class Row(msgspec.Struct, frozen=True, gc=False):
    """One figure. ``value``, ``low`` and ``high`` are null where it is not known, or, where ``suppressed``, not told; a ``level``
    has its name beside its rank."""

    place: str
    quantity: str
    start: str
    end: str
    value: float | None
    low: float | None
    high: float | None
    suppressed: bool
    level: str | msgspec.UnsetType | None = msgspec.UNSET


def write(
    figures: Figures,
    meta: Mapping[str, Any],
    media_type: str,
    places: Mapping[str, PlaceInfo] | None = None,
    told: msgspec.Raw | None = None,
) -> bytes:
    """Figures and their ``metadata`` in one of ``MEDIA_TYPES``.

    JSON: ``{"meta": {…}, "figures": [Row, …]}``. CSV (RFC 4180): a line each with the same columns and that of the agreement; the
    other metadata have no place in it. Parquet: the same columns, metadata as JSON under the schema's key ``ruimte``. NGSI-LD:
    ``CrowdFlowObserved`` of count points and gates whose flow is told; it needs ``places`` for where they lie. SensorThings:
    Observations as data arrays, one for each place and quantity, without those that are not known or not told.

    ``told``: the ``rows`` as JSON, where they are at hand. Raises ``RuimteError`` for another media type.
    """
    if media_type == JSON:
        return msgspec.json.encode({"meta": meta, "figures": rows(figures, meta) if told is None else told})
    if media_type == CSV:
        return _csv(figures, meta)
    if media_type == PARQUET:
        return _parquet(figures, meta)
    if media_type == NGSI_LD:
        return msgspec.json.encode(list(_ngsi_ld(figures, places or {})))
    if media_type == SENSORTHINGS:
        return msgspec.json.encode({"meta": meta, "value": list(_data_arrays(figures, meta))})
    raise RuimteError(
        f"figures cannot be written as {media_type[:60]!a}", "media type", f"ask for one of {', '.join(MEDIA_TYPES)}"
    )


def rows(figures: Figures, meta: Mapping[str, Any]) -> list[Row]:
    """The figures place by place, quantity by quantity, in the order of time; only quantities that a place has."""
    has = [meta["places"][place]["quantities"] for place in figures.places]
    told = [(place, q) for place, own in enumerate(has) for q, quantity in enumerate(figures.quantities) if quantity in own]
    rows_, columns = np.array(told, dtype=np.int64).reshape(-1, 2).T
    at, steps = (rows_, slice(None), columns), len(figures.starts_us)
    places = [figures.places[place] for place, _ in told]
    quantities = [figures.quantities[q] for _, q in told]
    value, low, high = (_plain(cube[at]) for cube in (figures.value, figures.low, figures.high))
    levels: list[str | msgspec.UnsetType | None] = [msgspec.UNSET] * (len(told) * steps)
    for pair, quantity in enumerate(quantities):
        if quantity == "level":
            names = meta["places"][places[pair]].get("levels", ())
            for index in range(pair * steps, (pair + 1) * steps):
                rank = value[index]
                levels[index] = None if rank is None else names[int(rank)]
    starts = figures.starts_us.tolist()
    return list(
        map(
            Row,
            [place for place in places for _ in starts],
            [quantity for quantity in quantities for _ in starts],
            [iso(start) for start in starts] * len(told),
            [iso(start + figures.step_us) for start in starts] * len(told),
            value,
            low,
            high,
            figures.suppressed[at].ravel().tolist(),
            levels,
        )
    )


def _plain(cube: Array) -> list[float | None]:
    """One list, with four decimals; what is NaN is None."""
    out: list[float | None] = [*np.round(cube, _DECIMALS).ravel().tolist()]
    for index in np.flatnonzero(np.isnan(cube)).tolist():
        out[index] = None
    return out


def _csv(figures: Figures, meta: Mapping[str, Any]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["agreement", "place", "quantity", "start", "end", "value", "low", "high", "suppressed", "level"])
    for row in rows(figures, meta):
        hidden = "true" if row.suppressed else "false"
        level = row.level if isinstance(row.level, str) else None
        writer.writerow(
            [meta["agreement"], row.place, row.quantity, row.start, row.end, row.value, row.low, row.high, hidden, level]
        )
    return text.getvalue().encode()


_COLUMNS = pa.schema(
    [
        ("place", pa.string()),
        ("quantity", pa.string()),
        ("start", pa.timestamp("us", tz="UTC")),
        ("end", pa.timestamp("us", tz="UTC")),
        ("value", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("suppressed", pa.bool_()),
        ("level", pa.string()),
    ]
)


def _parquet(figures: Figures, meta: Mapping[str, Any]) -> bytes:
    all_rows = rows(figures, meta)
    own = {name: [getattr(row, name) for row in all_rows] for name in ("place", "quantity", "value", "low", "high", "suppressed")}
    times = np.array(figures.starts_us, dtype=np.int64)
    starts = np.tile(times, len(all_rows) // max(len(times), 1))
    spans = {"start": starts, "end": starts + figures.step_us}
    levels = [row.level if isinstance(row.level, str) else None for row in all_rows]
    data = {**own, **spans, "level": levels}
    schema = _COLUMNS.with_metadata({"ruimte": msgspec.json.encode(meta)})
    table = pa.table([pa.array(data[field.name]).cast(field.type) for field in schema], schema=schema)
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def _ngsi_ld(figures: Figures, places: Mapping[str, PlaceInfo]) -> Iterator[dict[str, Any]]:
    """An entity for each count point, gate and step of which a flow is told; its counts are rate times step."""
    scale = figures.step_us / HOUR_US
    flows = [(index, quantity) for index, quantity in enumerate(figures.quantities) if quantity in ("flow", "inflow", "outflow")]
    for p, key in enumerate(figures.places):
        place = places.get(key)
        if place is None or place.kind == "zone" or place.geometry is None:
            continue
        for s, start in enumerate(figures.starts_us.tolist()):
            told = {quantity: float(figures.value[p, s, index]) for index, quantity in flows}
            counts = {quantity: rate * scale for quantity, rate in told.items() if rate == rate}
            if counts:
                yield to_crowd_flow_observed(
                    f"{figures.lab}:{key}",
                    start,
                    start + figures.step_us,
                    dict(place.geometry),
                    count=counts.get("flow"),
                    count_in=counts.get("inflow"),
                    count_out=counts.get("outflow"),
                    name=pick(place.name, "en") or None,
                )


def _data_arrays(figures: Figures, meta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    groups: dict[tuple[str, str], list[list[Any]]] = {}
    for row in rows(figures, meta):
        told = groups.setdefault((row.place, row.quantity), [])
        if row.value is not None:
            told.append([f"{row.start}/{row.end}", row.value, {"low": row.low, "high": row.high}])
    for (place, quantity), told in groups.items():
        if told:
            yield {
                "Datastream": {
                    "name": f"{place}: {quantity}",
                    "unitOfMeasurement": {"name": meta["units"][quantity]},
                    "properties": {"place": place, "quantity": quantity, "step_s": figures.step_us // SECOND_US},
                },
                "components": ["phenomenonTime", "result", "parameters"],
                "dataArray@iot.count": len(told),
                "dataArray": told,
            }
