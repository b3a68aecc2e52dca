"""Compile a function with numba, and keep the result for the next start.

Numba keeps what it compiled beside the source, and takes it for good as long as that one file stays as it was, though code from
other files is compiled into it. So all results go into a folder that is named after what all files with compiled code hold.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core.options import DefaultOptions

F = TypeVar("F", bound=Callable[..., Any])

_HERE = Path(__file__).parent
_FOLDERS = ("estimate", "forecast", "synthetic", "tracks", "whatif")
"""Where there is compiled code."""
_UNCOUNTED = {"_nrt": False} if hasattr(DefaultOptions, "_nrt") else {}
"""Numba's own switch for reference counts, which it does not document: without it all is the same, but slower."""


def compiled(function: F) -> F:
    """The function as machine code, compiled when it is first called; no fast-math, one thread: the same results to the bit."""
    return _compiled(function)


def compiled_aside(function: F) -> F:
    """As ``compiled``, for what is run many times side by side, each on its own arrays: other threads go on meanwhile.

    A division by 0 gives no error but infinity, which is quicker; so what is given has to be looked at before.
    """
    return _compiled(function, nogil=True, error_model="numpy")


def compiled_inner(function: F) -> F:
    """As ``compiled_aside``, for what makes no arrays but works in those it is given, as all that it calls does too.

    Then nobody needs to count who still holds an array. Numba would do so at every call that is handed one, each time an atomic
    step: four tenths of the time of the Voronoi cells.
    """
    return _compiled(function, nogil=True, error_model="numpy", **_UNCOUNTED)


def compiled_within(function: F) -> F:
    """As ``compiled_inner``, and always put into whoever calls it: for what is called in an inner loop with many arrays, for
    handing over hundreds of words would take longer than the work."""
    return _compiled(function, nogil=True, error_model="numpy", forceinline=True, **_UNCOUNTED)


def _compiled(function: F, **options: Any) -> F:
    if _KEPT is None:
        return cast(F, numba.njit(**options)(function))
    config: Any = numba.config
    before, config.CACHE_DIR = config.CACHE_DIR, str(_KEPT)
    try:
        return cast(F, numba.njit(cache=True, **options)(function))
    finally:
        config.CACHE_DIR = before


def never_before(what: str = "*") -> bool:
    """Whether nothing has been compiled on this machine yet, so that the first estimate takes half a minute. ``what``: a pattern
    of the functions that are asked about, as ``meter._measure-*``."""
    return _KEPT is None or next(_KEPT.rglob(f"{what}.nbi"), None) is None


def _folder() -> Path | None:
    """Where results are kept: beside the source, else in the user's cache; None where neither can be written."""
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(path for folder in _FOLDERS for path in (_HERE / folder).glob("*.py")):
        if b"@compiled" in (text := path.read_bytes()):
            digest.update(text)
    name = f"compiled-{digest.hexdigest()[:16]}"
    home = os.environ.get("XDG_CACHE_HOME") or (Path.home() / ".cache" if os.environ.get("HOME") else None)
    for base in (_HERE / "__pycache__", *([Path(home) / "ruimte"] if home else [])):
        folder = base / name
        try:
            if not folder.is_dir():
                folder.mkdir(parents=True, mode=0o700)
                for old in base.glob("compiled-*"):
                    if old != folder:
                        shutil.rmtree(old, ignore_errors=True)
            if os.access(folder, os.W_OK):
                return folder
        except OSError:
            continue
    return None


_KEPT = _folder()
