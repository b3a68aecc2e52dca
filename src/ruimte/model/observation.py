"""An observation: one result of one datastream over one half-open interval ``[start, end)``."""

from __future__ import annotations

from enum import IntFlag

import pyarrow as pa


class Flag(IntFlag):
    """What is to be known about an observation besides its result."""

    NONE = 0
    REPAIRED = 1
    """the importer mended its time or result, by a rule it reports"""
    IMPLIED = 2
    """the source leaves out zeros: this zero was put back by the importer"""
    DOUBTFUL = 4
    """kept, but the picture should not lean on it"""
    TOMBSTONE = 8
    """withdrawn: the observation that it revises no longer counts"""


OBSERVATIONS = pa.schema(
    [
        ("datastream", pa.int64()),
        ("start_us", pa.int64()),
        ("end_us", pa.int64()),
        ("received_us", pa.int64()),
        ("result", pa.float64()),
        ("flags", pa.int32()),
    ]
)
"""Columns of a batch of observations. ``result`` is persons counted in the interval; times are UTC microseconds."""


def no_observations() -> pa.Table:
    """An empty batch."""
    return OBSERVATIONS.empty_table()
