"""Functions that take what strangers send raise nothing but the error that is theirs."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from .chunks import run, share
from .entry_points import ENTRY_POINTS, EntryPoint


@pytest.mark.parametrize("entry", ENTRY_POINTS, ids=lambda entry: entry.name)
def test_entry_point(entry: EntryPoint) -> None:
    def check(payload: Any) -> None:
        with contextlib.suppress(entry.error):
            entry.give(payload)

    run(share(0.1 / len(ENTRY_POINTS)), entry.payloads, check)
