"""A process of its own that reads HDF5: a damaged file can make the HDF5 library loop for ever or end the process.

HDF5 on standard input; on standard output a line of JSON, which tells a ``problem`` or the attributes, and the columns as NumPy
writes them. It is run as a file, so that nothing but h5py and NumPy is loaded.
"""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import h5py
import numpy as np

COLUMNS = ("id", "frame", "x", "y")


def main() -> None:
    most_rows = int(sys.argv[1])
    try:
        with h5py.File(io.BytesIO(sys.stdin.buffer.read()), "r") as file:
            told, columns = _read(file, most_rows)
    except Exception as error:
        told, columns = {"damage": (str(error).splitlines() or [""])[0][:200] or type(error).__name__}, []
    out = sys.stdout.buffer
    out.write(json.dumps(told).encode() + b"\n")
    for column in columns:
        whole = io.BytesIO()  # NumPy asks a file for its position, and a pipe has none
        np.save(whole, column, allow_pickle=False)
        out.write(whole.getbuffer())


def _read(file: Any, most_rows: int) -> tuple[dict[str, Any], list[Any]]:
    table = file.get("trajectory")
    names = getattr(getattr(table, "dtype", None), "names", None)
    if names is None or table.ndim != 1:
        return {"problem": "holds no dataset 'trajectory' of rows"}, []
    if lacking := [name for name in COLUMNS if name not in names or table.dtype[name].kind not in "iuf"]:
        return {"problem": f"its dataset 'trajectory' holds no numbers {', '.join(lacking)}"}, []
    told = {"rows": len(table), "fps": _plain(table.attrs.get("fps")), "area": _plain(file.attrs.get("wkt_geometry"))}
    told |= {axis: _plain(table.attrs.get(axis)) for axis in ("x", "y")}
    return told, [table.fields(name)[:] for name in COLUMNS] if len(table) <= most_rows else []


def _plain(value: Any) -> str | None:
    """An attribute as text; None where there is none."""
    if value is None:
        return None
    first = np.asarray(value).reshape(-1)[:1].tolist()
    text = first[0] if first else ""
    return text.decode("utf-8", errors="replace") if isinstance(text, bytes) else str(text)


if __name__ == "__main__":
    main()
