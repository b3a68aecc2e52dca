"""Contrast of the pages' colours, computed from the tokens by WCAG 2.2 (1.4.3 for text, 1.4.11 for lines and shapes)."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

TOKENS = (Path(str(files("ruimte.web"))) / "static/css/tokens.css").read_text()
THEMES = {"light": 0, "dark": 1}
GROUNDS = ("ground", "bar", "panel", "raised")
LEVELS = {"a": "on-grey", "b": "on-grey", "c": "on-grey", "d": "on-d", "e": "on-e", "f": "on-f"}


def colours(theme: str) -> dict[str, str]:
    """Every token that is a colour, as it is in a theme."""
    found: dict[str, str] = {}
    for name, value in re.findall(r"--([\w-]+): (light-dark\([^)]*\)|#\w{6});", TOKENS):
        found.setdefault(name, re.findall(r"#\w{6}", value * 2 if value.startswith("#") else value)[THEMES[theme]])
    return found


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG: relative luminances of two sRGB colours.

    >>> round(contrast("#000000", "#ffffff"))
    21
    """

    def luminance(colour: str) -> float:
        channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_formula_is_that_of_wcag() -> None:
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
    assert contrast("#ffffff", "#000000") == 21


@pytest.mark.parametrize("theme", THEMES)
def test_text_on_every_level_and_ground_can_be_read(theme: str) -> None:
    known = colours(theme)
    pairs = {(text, f"level-{level}") for level, text in LEVELS.items()}
    pairs |= {(text, ground) for text in ("text", "quiet", "accent", "alert") for ground in GROUNDS}
    pairs |= {("on-accent", "accent"), ("text", "notice"), ("accent", "notice")}
    assert {pair: found for pair in sorted(pairs) if (found := contrast(known[pair[0]], known[pair[1]])) < 4.5} == {}


@pytest.mark.parametrize("theme", THEMES)
def test_lines_and_edges_can_be_seen(theme: str) -> None:
    """The edge of a place, not its fill, is what sets it off from the ground; a symbol and a letter tell its level."""
    known = colours(theme)
    pairs = {(f"line-{level}", "panel") for level in "def"}
    pairs |= {("outline", ground) for ground in GROUNDS} | {("outline", f"level-{level}") for level in "a"}
    pairs |= {("text", "ground"), ("accent", "ground"), ("accent", "panel")}
    assert {pair: found for pair in sorted(pairs) if (found := contrast(known[pair[0]], known[pair[1]])) < 3} == {}


@pytest.mark.parametrize("theme", THEMES)
def test_white_on_the_alarm_can_be_read(theme: str) -> None:
    folder = Path(str(files("ruimte.web"))) / "static/css"
    red = {found for path in folder.glob("*.css") for found in re.findall(r"color: #fff; background: (#\w{6})", path.read_text())}
    assert red
    assert all(contrast("#ffffff", each) >= 7 for each in red)
