"""A warning of an invented square on its way out, for tests."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from ruimte.notify.notice import Notice, Wording

AT_US = 1_767_222_000_000_000  # 2025-12-31T23:00:00Z
RING = [[4.27, 52.11], [4.28, 52.11], [4.28, 52.12], [4.27, 52.11]]


def view(**changes: Any) -> dict[str, Any]:
    """What ``/api/v1/warnings`` tells of the square."""
    plain = {
        "id": 3,
        "place": "square",
        "place_name": "Square",
        "table": "fruin-walkway",
        "level": "E",
        "priority": 2,
        "phase": "open",
        "probability": 0.82,
        "expected_at": "2025-12-31T23:40:00Z",
        "lead_s": 2400.0,
        "threshold": 900.0,
        "expected": 1100.0,
        "now": 700.0,
        "measures": [{"key": "open-gates"}],
    }
    return plain | changes


def notice(**changes: Any) -> Notice:
    """A step of the square's warning."""
    told = changes.pop("told", view())
    plain: dict[str, Any] = {
        "id": f"3.1.{AT_US}",
        "sequence": 7,
        "source": "https://crowd.example.org",
        "lab": "town",
        "organisation": "Town & Port",
        "contact": "crowd@example.org",
        "zone": ZoneInfo("Europe/Amsterdam"),
        "step": "opened",
        "at_us": AT_US,
        "warning": 3,
        "opened_us": AT_US,
        "views": {"en": told, "nl": told},
        "texts": {
            "en": Wording("Square: E at 00:40 <soon>", "Because & so on.", "Open the gates"),
            "nl": Wording("Plein: E om 00:40 – “nu”", "Omdat & zo.", "Open de poorten"),
        },
        "place": {"en": "Square", "nl": "Plein"},
        "geometry": {"type": "Polygon", "coordinates": [RING]},
    }
    return Notice(**(plain | changes))
