"""The lab's sensor register as arrays, for judging many observations at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ruimte.clock import MINUTE_US
from ruimte.intake.sensors import sensors_by_name
from ruimte.lab.files import SensorEntry
from ruimte.lab.lab import Lab
from ruimte.lab.validity import validity_us
from ruimte.model import measure as vocabulary
from ruimte.text import duration_us

UNKNOWN = -1
MEASURES = tuple(vocabulary.MEASURES)
"""Keys of the measures; a measure's place in this tuple is its number in the arrays."""

MOST_PER_METRE_PER_MINUTE = 82.0
"""Persons that can pass a metre of width in a minute (Fruin 1971: the end of level E on walkways)."""

_INSTANT: NDArray[np.bool_] = np.array([each.over == "instant" for each in vocabulary.MEASURES.values()])
_LOWEST: NDArray[np.float64] = np.array([each.lowest for each in vocabulary.MEASURES.values()])
_HIGHEST: NDArray[np.float64] = np.array([each.highest for each in vocabulary.MEASURES.values()])


@dataclass(frozen=True, slots=True)
class Register:
    """One row an entry of the register; the last row stands for "no entry" and lets nothing in.

    ``entries``: the rows that a name can mean. ``stream``: the store's id of each entry's measures, shape (entries, measures), -1
    where it is not registered. ``highest``: above this a result is doubtful, same shape. ``streams``: entry and measure of an id.
    """

    entries: dict[str, list[int]]
    keys: list[str]
    from_us: NDArray[np.int64]
    until_us: NDArray[np.int64]
    interval_us: NDArray[np.int64]
    stream: NDArray[np.int64]
    highest: NDArray[np.float64]
    streams: dict[int, tuple[int, int]]

    @classmethod
    def of(cls, lab: Lab, stream_ids: Mapping[str, int]) -> Register:
        """The register of a lab; ``stream_ids`` are the store's ids by datastream key (``sensor/measure``)."""
        sensors = list(lab.sensors.values())
        place = {entry.key: i for i, entry in enumerate(sensors)}
        periods = [validity_us(entry, lab.zone) for entry in sensors] + [(0, 0)]
        stream = np.array(
            [
                *([_stream(entry, name, stream_ids) for name in MEASURES] for entry in sensors),
                [UNKNOWN] * len(MEASURES),
            ],
            dtype=np.int64,
        )
        return cls(
            {name: [place[entry.key] for entry in entries] for name, entries in sensors_by_name(lab).items()},
            [entry.key for entry in sensors],
            np.array([first for first, _ in periods], dtype=np.int64),
            np.array([until for _, until in periods], dtype=np.int64),
            np.array([duration_us(entry.interval) for entry in sensors] + [0], dtype=np.int64),
            stream,
            np.array([*(_most(lab, entry) for entry in sensors), np.zeros(len(MEASURES))]),
            {int(stream[i, m]): (int(i), int(m)) for i, m in np.argwhere(stream != UNKNOWN)},
        )

    def candidates(self, names: list[str]) -> NDArray[np.int64]:
        """Entries that a name can mean, shape (most entries a name has, names), filled up with -1."""
        found = [self.entries.get(name, []) for name in names]
        table = np.full((max([1, *map(len, found)]), len(names)), UNKNOWN, dtype=np.int64)
        for column, entries in enumerate(found):
            table[: len(entries), column] = entries
        return table

    def find(self, name: str, measure: str, start_us: int, end_us: int, keys: set[str]) -> int | None:
        """The datastream, of one of the sensors ``keys``, that a publisher's name and a measure mean in an interval."""
        number = MEASURES.index(measure) if measure in MEASURES else UNKNOWN
        for entry in self.entries.get(name, []) if number != UNKNOWN else []:
            holds = self.from_us[entry] <= start_us and end_us <= self.until_us[entry]
            if self.keys[entry] in keys and holds and self.stream[entry, number] != UNKNOWN:
                return int(self.stream[entry, number])
        return None

    def leaves_out(self, name: str, measure: str, keys: set[str]) -> bool:
        """Whether the register knows the device of a publisher's name (``device/channel``) by sensors of ``keys``, but does not
        ask for this channel, or not for this measure of it: devices tell more than a lab wants."""
        number = MEASURES.index(measure)
        entries = [entry for entry in self.entries.get(name, []) if self.keys[entry] in keys]
        if entries:
            return all(self.stream[entry, number] == UNKNOWN for entry in entries)
        device = name.partition("/")[0] + "/"
        others = (found for other, found in self.entries.items() if other.startswith(device))
        return any(self.keys[entry] in keys for found in others for entry in found)

    def is_instant(self, measure: int) -> bool:
        """Whether a measure (its number) is of an instant."""
        return bool(_INSTANT[measure])

    def other_interval(
        self, entry: NDArray[np.int64], measure: NDArray[np.int64], lasts_us: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Which intervals are not as long as registered; what is measured at an instant may last no time."""
        other: NDArray[np.bool_] = (lasts_us != self.interval_us[entry]) & ~(_INSTANT[measure] & (lasts_us == 0))
        return other

    def too_low(self, measure: NDArray[np.int64], result: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which results cannot be: nobody counts fewer than none."""
        return result < _LOWEST[measure]


def _stream(entry: SensorEntry, name: str, stream_ids: Mapping[str, int]) -> int:
    return stream_ids.get(f"{entry.key}/{name}", UNKNOWN) if name in entry.measures else UNKNOWN


def _most(lab: Lab, entry: SensorEntry) -> NDArray[np.float64]:
    """Of each measure the highest plausible result: a flow is bound by the register and by the width of what it passes."""
    most = entry.max_per_interval
    gate = lab.gates.get(entry.place) or lab.count_points.get(entry.place)
    if gate is not None and gate.width_m is not None:
        most = min(most, MOST_PER_METRE_PER_MINUTE * gate.width_m * duration_us(entry.interval) / MINUTE_US)
    return np.array([most if name in vocabulary.FLOWS else limit for name, limit in zip(MEASURES, _HIGHEST, strict=True)])
