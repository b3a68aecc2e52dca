"""What a row of the conformance table is, and the requirements of OGC 18-088 Annex A that the rows have to cover."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

SPEC = "http://www.opengis.net/spec/iot_sensing/1.1/"
"""What the identifiers of the requirements begin with."""

READS = "yes, with a role or a reader's token"
MASTER = "no: the lab folder is the master of the register; 403"
DEVICES = "Observations only, by a registered device; everything else 403"

REQUIREMENTS: dict[str, str] = {
    "req/datamodel/entity-control-information/common-control-information": READS,
    **{
        f"req/datamodel/{entity}/{part}": READS
        for entity in (
            "thing",
            "location",
            "historical-location",
            "datastream",
            "sensor",
            "observed-property",
            "observation",
            "feature-of-interest",
        )
        for part in ("properties", "relations")
    },
    "req/resource-path/resource-path-to-entities": READS,
    **{
        f"req/request-data/{part}": READS
        for part in (
            "status-code",
            "query-status-code",
            "order",
            "expand",
            "select",
            "orderby",
            "top",
            "skip",
            "count",
            "filter",
            "built-in-filter-operations",
            "built-in-query-functions",
            "pagination",
        )
    },
    "req/create-update-delete/create-entity": DEVICES,
    "req/create-update-delete/link-to-existing-entities": DEVICES,
    "req/create-update-delete/deep-insert": MASTER,
    "req/create-update-delete/deep-insert-status-code": MASTER,
    "req/create-update-delete/update-entity": MASTER,
    "req/create-update-delete/update-entity-put": MASTER,
    "req/create-update-delete/update-entity-jsonpatch": MASTER,
    "req/create-update-delete/delete-entity": MASTER,
    "req/create-update-delete/historical-location-auto-creation": MASTER,
    "req/create-update-delete/historical-location-manual-creation": MASTER,
    "req/batch-request/batch-request": "yes; each request in it is judged as if it came alone",
    "req/multi-datastream/properties": READS,
    "req/multi-datastream/relations": READS,
    "req/multi-datastream/constraints": MASTER,
    "req/data-array/data-array": DEVICES,
    "req/create-observations-via-mqtt/observations-creation": DEVICES,
    "req/receive-updates-via-mqtt/receive-updates": "yes, for whom the broker lets subscribe",
}
"""Every requirement by its identifier (without ``SPEC``), and what of it holds in the strict mode of a lab."""


@dataclass(frozen=True)
class Row:
    """One check of one requirement: what is checked, in words, and the function that does it.

    The function's parameters are names of fixtures: ``sta`` (a client of the service), ``world`` (entities to read), ``mqtt`` (a
    client of the broker).
    """

    requirement: str
    checks: str
    check: Callable[..., None]
    arguments: tuple[Any, ...] = ()


TABLE: list[Row] = []


def row(requirement: str, checks: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Puts the decorated function into the table."""
    if requirement not in REQUIREMENTS:
        raise ValueError(f"{requirement} is no requirement of OGC 18-088")

    def enter(check: Callable[..., None]) -> Callable[..., None]:
        TABLE.append(Row(requirement, checks, check))
        return check

    return enter


def rows(requirement: str, cases: dict[str, tuple[Any, ...]]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Puts the decorated function into the table once a case: what is checked → the arguments that come after the fixtures."""
    if requirement not in REQUIREMENTS:
        raise ValueError(f"{requirement} is no requirement of OGC 18-088")

    def enter(check: Callable[..., None]) -> Callable[..., None]:
        TABLE.extend(Row(requirement, checks, check, arguments) for checks, arguments in cases.items())
        return check

    return enter
