"""Finding a file's sensors in the lab's register."""

from __future__ import annotations

from ruimte.lab.files import SensorEntry
from ruimte.lab.lab import Lab


def sensors_by_name(lab: Lab) -> dict[str, list[SensorEntry]]:
    """The register's entries by every name that a file can use for them: the publisher's (``source_id``) and their key.

    One publisher's name can have several entries: a sensor that moved has one for each place, with its own period.
    """
    entries: dict[str, list[SensorEntry]] = {}
    for entry in lab.sensors.values():
        for name in dict.fromkeys((entry.source_id or entry.key, entry.key)):
            entries.setdefault(name, []).append(entry)
    return entries
