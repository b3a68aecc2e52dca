"""Field reports in the sensor register: one entry a zone, made from the switch in ``lab.toml``.

What a person on the street tells is an observation like any other: registered, with an owner, a purpose, a ground and an end.
"""

from __future__ import annotations

from collections.abc import Mapping

from ruimte.lab.files import LabFile, SensorEntry, Text
from ruimte.lab.lab import Zone
from ruimte.text import LANGUAGES, pick

KIND = "field report"
MEASURES = ["people", "people_sd"]
"""How many, and by how much that may be off."""

_NAME = {"en": "Field report: {place}", "nl": "Veldmelding: {place}"}
_PURPOSE = {
    "en": "Knowing how many people there are where no sensor tells, or to check one",
    "nl": "Weten hoeveel mensen er zijn waar geen sensor dat vertelt, of er een controleren",
}


def report_key(zone: str) -> str:
    """The register's key of a zone's field reports.  >>> report_key("square") 'field-report-square'"""
    return f"field-report-{zone}"


def report_sensors(file: LabFile, zones: Mapping[str, Zone]) -> dict[str, SensorEntry]:
    """The register's entries for field reports, by key; none where the lab does not take any."""
    rules = file.field_reports
    if rules is None:
        return {}
    return {
        report_key(zone.key): SensorEntry(
            key=report_key(zone.key),
            name=_name(zone.name),
            place=zone.key,
            kind=KIND,
            measures=MEASURES,
            interval=file.ticks.length,
            owner=file.organisation,
            purpose=_PURPOSE,
            legal_ground=rules.legal_ground,
            personal_data=False,
            valid_from=rules.valid_from,
            valid_until=rules.valid_until,
            accuracy=rules.accuracy,
        )
        for zone in zones.values()
    }


def _name(place: Text) -> Text:
    return {language: _NAME[language].format(place=pick(place, language)) for language in LANGUAGES}
