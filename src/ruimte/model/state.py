"""Crowd state: of one place over one tick."""

from __future__ import annotations

import pyarrow as pa

VALUE_COLUMNS = (
    "mean",
    "sd",
    "q05",
    "q25",
    "q50",
    "q75",
    "q95",
    "inflow",
    "inflow_sd",
    "outflow",
    "outflow_sd",
    "observed",
)

STATES = pa.schema(
    [
        ("place", pa.int32()),
        ("start_us", pa.int64()),
        ("end_us", pa.int64()),
        *((name, pa.float64()) for name in VALUE_COLUMNS),
        ("age_us", pa.int64()),
        ("left_out", pa.list_(pa.int64())),
    ]
)
"""Columns of crowd states, one row a place and tick ``[start, end)``.

``place`` is the index in ``Model.places``. The quantity is the place's own: of a zone *people* inside at ``end``
(persons), of a count point the *flow* (persons/s): the mean rate of the tick, not what happened to pass in it. ``mean``,
``sd`` and the quantiles are of that quantity; NaN is "not known". ``inflow`` and ``outflow`` (persons/s, rates too) are NaN
where a place has no directions. ``observed`` is the share of the tick that its sensors saw and that was believed, 0–1;
``age_us`` the time from the newest observation to ``end`` (-1: never seen). ``left_out`` lists the datastreams that the
register lets tell of the place then, but on which the state does not rest: not heard, or not believed.
"""
