"""The description of the API for partners, and whether an answer is one that it names."""

from __future__ import annotations

import json
from typing import Any

import httpx
import jsonschema_rs

from ruimte.web.share.openapi import description
from ruimte.web.share.version import VERSION

SERVER = "https://crowd.example.org/share/v1"
TOLD: dict[str, Any] = json.loads(json.dumps(description(SERVER, "City of Example", "lab@example.org")))


def resolved(value: Any) -> Any:
    """A value whose reference is followed."""
    while isinstance(value, dict) and "$ref" in value:
        value = at(value["$ref"])
    return value


def at(reference: str) -> Any:
    found: Any = TOLD
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def conforms(answer: httpx.Response, path: str, method: str) -> None:
    """Whether an answer is one that the description names: status, form, headers and shape."""
    responses = TOLD["paths"][path][method]["responses"]
    assert str(answer.status_code) in responses, (path, answer.status_code, answer.text)
    told = resolved(responses[str(answer.status_code)])
    for name in told.get("headers", {}):
        assert name.lower() in answer.headers, (path, name)
    assert answer.headers["api-version"] == VERSION
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if answer.content:
        assert kind in told["content"], (path, kind)
    if kind.endswith("json") and answer.content and kind != "application/ld+json":
        schema = {**told["content"][kind]["schema"], "components": TOLD["components"]}
        jsonschema_rs.validator_for(schema, validate_formats=True).validate(answer.json())
