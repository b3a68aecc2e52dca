"""Writes docs/conformance.md from the conformance table of the tests: ``python docs/make_conformance.py``."""

from __future__ import annotations

import sys
from pathlib import Path

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent / "tests" / "service"))

from conformance.page import page  # noqa: E402

if __name__ == "__main__":
    (DOCS / "conformance.md").write_text(page())
