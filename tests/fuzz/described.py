"""Requests made from a description in OpenAPI, and whether the answers are those that it names (schemathesis)."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import requests
from hypothesis import reject
from hypothesis import strategies as st

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what it imports warns of its own future
    import schemathesis
    from schemathesis import GenerationMode
    from schemathesis.core.errors import UnsupportedSchema
    from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from .asgi import Asgi
from .chunks import run

__all__ = ["GenerationMode", "hold_against"]

TRUE = [status_code_conformance, content_type_conformance, response_schema_conformance]


def hold_against(
    description: dict[str, Any], asgi: Asgi, base: str, mode: GenerationMode, number: int, headers: tuple[str, ...] = ()
) -> None:
    """Give so many requests to the application; ``headers``: which of theirs go along, besides Content-Type."""
    schema = schemathesis.openapi.from_dict(description)
    operations = [operation.ok() for operation in schema.get_all_operations()]
    assert len(operations) > 10

    def check(case: Any) -> None:
        request = requests.Request(**_plain(case.as_transport_kwargs(base_url=base))).prepare()
        address = urlsplit(str(request.url))
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        answer = asgi.ask(
            str(request.method),
            address.path.encode(),
            address.query.encode(),
            body,
            request.headers.get("content-type"),
            _sent(request.headers, headers),
        )
        assert answer.status < 500 or answer.status == 501, answer.body
        shown = httpx.Response(
            answer.status,
            headers=answer.headers,
            content=answer.body,
            request=httpx.Request(str(request.method), str(request.url)),
        )
        shown.elapsed = timedelta(0)
        case.validate_response(shown, checks=TRUE)

    run(number, _possible(schema.as_strategy(mode)), check)


@st.composite
def _possible(draw: st.DrawFn, cases: st.SearchStrategy[Any]) -> Any:
    """The cases without those that schemathesis finds it cannot make (now and then, of wrong bodies)."""
    try:
        return draw(cases)
    except UnsupportedSchema:
        reject()


def _plain(arguments: dict[str, Any]) -> dict[str, Any]:
    """Only what belongs to a request, not to how it is sent."""
    return {
        name: value
        for name, value in arguments.items()
        if name in ("method", "url", "headers", "params", "json", "data", "files")
    }


def _sent(headers: Mapping[str, str], wanted: tuple[str, ...]) -> dict[str, str]:
    found = {name.lower(): value.decode("latin-1") if isinstance(value, bytes) else str(value) for name, value in headers.items()}
    return {name: found[name] for name in wanted if name in found}
