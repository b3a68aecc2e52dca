"""The description that the service gives of itself is true: requests made from it get answers that it names (schemathesis)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from .asgi import Asgi
from .chunks import share
from .described import GenerationMode, hold_against
from .service import DESCRIPTION, ROOT, sandbox_app

BASE = f"http://127.0.0.1:8000{ROOT}"


@pytest.fixture
def asgi(tmp_path: Path) -> Iterator[Asgi]:
    with sandbox_app(tmp_path) as app, closing(Asgi(app)) as running:
        yield running


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.filterwarnings("ignore")  # schemathesis and what it rests on; our own code's warnings fail the other tests
def test_the_description_is_true(asgi: Asgi, mode: GenerationMode) -> None:
    description = json.loads(asgi.ask("GET", DESCRIPTION.encode(), kind=None).body)
    hold_against(description, asgi, BASE, mode, share(0.05))
