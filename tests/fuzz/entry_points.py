"""Functions that take what strangers send: whatever comes, they return or raise the one error that their callers expect."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from ruimte.errors import RuimteError
from ruimte.intake.devices import FORMATS
from ruimte.intake.personal import find_identifier
from ruimte.sta.entities import ENTITIES
from ruimte.sta.errors import StaError
from ruimte.sta.filter import parse_filter
from ruimte.sta.options import parse_options
from ruimte.sta.path import parse_path
from ruimte.sta.times import parse_time

from . import cases
from .vocabulary import EDGES, LITERALS


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """A function by its name, what is given to it, and the error that it may raise."""

    name: str
    payloads: st.SearchStrategy[Any]
    give: Callable[[Any], object]
    error: type[RuimteError] = RuimteError


_entities = st.sampled_from(list(ENTITIES.values()))

_GOLDEN = [json.loads(path.read_text()) for path in sorted((Path(__file__).parents[1] / "data/devices").glob("*.json"))]
_payloads = st.tuples(
    st.sampled_from(list(FORMATS.values())),
    st.sampled_from(_GOLDEN).flatmap(cases.mutated).map(lambda body: json.dumps(body).encode()) | st.binary(max_size=200),
)

ENTRY_POINTS: list[EntryPoint] = [
    EntryPoint("sta path", cases.paths | cases.noise, parse_path, StaError),
    EntryPoint("sta filter", st.tuples(cases.operands | st.text(), _entities), lambda given: parse_filter(*given), StaError),
    EntryPoint(
        "sta options",
        st.tuples(cases.options.map(lambda pairs: "&".join("=".join(pair) for pair in pairs)) | st.text(), _entities),
        lambda given: parse_options(*given),
        StaError,
    ),
    EntryPoint("payloads of devices", _payloads, lambda given: given[0].read(given[1], ZoneInfo("Europe/Amsterdam"), 0)),
    EntryPoint("what is personal", _payloads, lambda given: find_identifier(given[1])),
    EntryPoint("sta time", st.sampled_from(LITERALS + EDGES) | cases.values, parse_time, StaError),
]
