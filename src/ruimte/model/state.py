"""Crowd state: of one place over one tick."""

from __future__ import annotations

import pyarrow as pa

STATES = pa.schema(
    [
        ("place", pa.int32()),
        ("start_us", pa.int64()),
        ("end_us", pa.int64()),
        ("mean", pa.float64()),
        ("sd", pa.float64()),
        ("q05", pa.float64()),
        ("q50", pa.float64()),
        ("q95", pa.float64()),
        ("inflow", pa.float64()),
        ("outflow", pa.float64()),
        ("observed", pa.float64()),
        ("age_us", pa.int64()),
    ]
)
"""Columns of crowd states, one row a place and tick ``[start, end)``.

``place`` is the index in ``Model.places``. The quantity is the place's own: of a zone *people* inside at ``end``
(persons), of a count point the *flow* over the tick (persons/s). ``mean``, ``sd`` and the quantiles are of that quantity;
NaN is "not known". ``inflow`` and ``outflow`` (persons/s) are NaN where a place has no directions. ``observed`` is the
share of the tick that its sensors saw, 0–1; ``age_us`` the time from the newest observation to ``end`` (-1: never seen).
"""

VALUE_COLUMNS = ("mean", "sd", "q05", "q50", "q95", "inflow", "outflow", "observed")
