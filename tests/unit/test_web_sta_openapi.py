"""The description in OpenAPI: whole, and true of what may be done."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from ruimte.jobs.sensorthings import address
from ruimte.sta.entities import ENTITIES
from ruimte.web.sta.change import allowed
from ruimte.web.sta.openapi import description

METHODS = {"get", "post", "patch", "put", "delete"}


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


@pytest.mark.parametrize("is_lab", [False, True])
def test_every_reference_leads_to_something(is_lab: bool) -> None:
    told = description("http://localhost/sta/v1.1", is_lab=is_lab)
    found = set(references(told))
    assert found
    for reference in found:
        at: Any = told
        for step in reference.removeprefix("#/").split("/"):
            at = at[step]


def test_every_address_and_method_is_one_that_is_served() -> None:
    told = description("http://localhost/sta/v1.1", is_lab=False)["paths"]
    for path, operations in told.items():
        if path in ("/", "/$batch", "/CreateObservations"):
            continue
        served = {method.lower() for method in allowed(address(path.replace("{id}", "1").strip("/")))}
        assert METHODS & set(operations) <= served, path
    assert {f"/{entity.set_name}" for entity in ENTITIES.values()} <= set(told)


def test_a_lab_only_takes_observations() -> None:
    told = description("http://localhost/sta/v1.1", is_lab=True)["paths"]
    changing = {path for path, operations in told.items() if METHODS & set(operations) - {"get"}}
    assert changing == {"/Observations", "/Datastreams({id})/Observations", "/CreateObservations", "/$batch"}


def test_what_is_required_is_told() -> None:
    schemas = description("http://localhost/sta/v1.1", is_lab=False)["components"]["schemas"]
    assert schemas["NewThing"]["required"] == ["name", "description"]
    assert "phenomenonTime" not in schemas["NewDatastream"]["properties"], "only the server sets it"
    assert "required" not in schemas["ChangedThing"]
    assert not [name for name in schemas if not re.fullmatch(r"(New|Changed)?[A-Z]\w+", name)]
