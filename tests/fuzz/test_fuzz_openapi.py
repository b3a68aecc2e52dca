"""The description that the service gives of itself is true: requests made from it get answers that it names (schemathesis)."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
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
from .chunks import run, share
from .service import DESCRIPTION, ROOT, sandbox_app

BASE = f"http://127.0.0.1:8000{ROOT}"
TRUE = [status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture
def asgi(tmp_path: Path) -> Iterator[Asgi]:
    with sandbox_app(tmp_path) as app, closing(Asgi(app)) as running:
        yield running


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.filterwarnings("ignore")  # schemathesis and what it rests on; our own code's warnings fail the other tests
def test_the_description_is_true(asgi: Asgi, mode: GenerationMode) -> None:
    description = json.loads(asgi.ask("GET", DESCRIPTION.encode(), kind=None).body)
    schema = schemathesis.openapi.from_dict(description)
    operations = [operation.ok() for operation in schema.get_all_operations()]
    assert len(operations) > 20

    def check(case: Any) -> None:
        request = requests.Request(**_plain(case.as_transport_kwargs(base_url=BASE))).prepare()
        address = urlsplit(str(request.url))
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        answer = asgi.ask(
            str(request.method), address.path.encode(), address.query.encode(), body, request.headers.get("content-type")
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

    run(share(0.05), _possible(schema.as_strategy(mode)), check)


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
