"""Fixtures that several kinds of tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from ruimte.clock import HOUR_US, MINUTE_US
from ruimte.lab.files import DeviceEntry, LabFile, SensorEntry
from ruimte.lab.lab import Lab
from ruimte.model.place import OUTSIDE, Link, Model, Place, Quantity, Stream

MakeLab = Callable[..., Lab]
MakeModel = Callable[..., Model]

_SENSOR: dict[str, Any] = {
    "name": "a sensor",
    "place": "square",
    "kind": "infrared",
    "measures": ["count"],
    "interval": "1h",
    "owner": "the city",
    "purpose": "crowd safety",
    "legal_ground": "public task",
    "personal_data": False,
    "valid_from": date(2010, 1, 1),
    "valid_until": date(2030, 12, 31),
    "max_per_interval": 10_000.0,
}


@pytest.fixture(scope="session")
def make_lab() -> MakeLab:
    """Makes a lab that has only sensors and devices: each argument is a table of what differs from a plain sensor."""

    def make(*sensors: dict[str, Any], zone: str = "Europe/Zurich", devices: Iterable[DeviceEntry] = ()) -> Lab:
        entries = [SensorEntry(**(_SENSOR | sensor)) for sensor in sensors]
        file = LabFile(format=1, key="test", name="Test", organisation="City", contact="lab@example.org", time_zone=zone)
        by_key = {entry.key: entry for entry in entries}
        return Lab(Path("test"), file, ZoneInfo(zone), {}, {}, {}, by_key, {each.key: each for each in devices}, {}, {}, ())

    return make


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with publishers' files beside the checkout; the test is skipped where it is absent."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no {folder}: publishers' files are not part of the checkout")
    return folder


@pytest.fixture(scope="session")
def make_model() -> MakeModel:
    """Makes a compiled lab in UTC: each argument lists the (place, direction) pairs that one datastream tells of; ids from 1.

    A place of direction "both" is a count point, any other a zone that is empty at 04:00. Each datastream has a link of its own.
    Ticks are of five minutes. Counters are thought to see everybody.
    """

    def make(*streams: list[tuple[str, str]], tick_us: int = 5 * MINUTE_US, lateness_us: int = 0) -> Model:
        quantities: dict[str, Quantity] = {}
        for place, direction in (link for links in streams for link in links):
            quantities[place] = "flow" if direction == "both" else "people"
        keys = list(quantities)
        site = {key: key for key in keys}
        for links in streams:
            first = min(site[place] for place, _ in links)
            joined = {site[place] for place, _ in links}
            site = {key: first if name in joined else name for key, name in site.items()}

        def link(number: int, told: list[tuple[str, str]]) -> Link:
            ways = {direction: keys.index(place) for place, direction in told}
            if "both" in ways:
                return Link(f"g{number}", "both", point=ways["both"])
            return Link(f"g{number}", "in", source=ways.get("out", OUTSIDE), target=ways.get("in", OUTSIDE))

        return Model(
            lab="test",
            places=tuple(
                Place(key, key, quantity, site[key], area_m2=1e4, empty_at_us=4 * HOUR_US if quantity == "people" else None)
                for key, quantity in quantities.items()
            ),
            links=tuple(link(number, told) for number, told in enumerate(streams, start=1)),
            streams=tuple(
                Stream(number, f"s{number}/count", number - 1, tick_us, 0, 2**62, detection=1.0)
                for number, _ in enumerate(streams, start=1)
            ),
            tick_us=tick_us,
            phase_us=0,
            lateness_us=lateness_us,
            offset_from_us=np.array([0]),
            offset_us=np.array([0]),
        )

    return make
