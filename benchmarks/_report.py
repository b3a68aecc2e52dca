"""A benchmark's result: rows beside their peers, as a table and as ``benchmarks/out/NAME.json``."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.table import Table

OUT = Path(__file__).parent / "out"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. ``met`` is None where it could not be measured, or has no goal; ``why`` says so."""

    name: str
    value: float | None
    unit: str
    peer: str | None = None
    peer_value: float | None = None
    ratio: float | None = None
    goal: str | None = None
    met: bool | None = None
    why: str = ""


def row(
    name: str,
    value: float,
    unit: str,
    *,
    most: float | None = None,
    least: float | None = None,
    between: tuple[float, float] | None = None,
    ratio_most: float | None = None,
    ratio_least: float | None = None,
    peer: str | None = None,
    peer_value: float | None = None,
) -> Row:
    """A measured figure; its goal is to be at most ``most``, at least ``least`` or ``between`` two; ``ratio`` is value over peer,
    and may have a goal of its own."""
    ratio = None if peer_value is None else value / peer_value
    if between is not None:
        low, high = between
        return Row(name, value, unit, peer, peer_value, ratio, f"{low:g}–{high:g} {unit}".strip(), low <= value <= high)
    if ratio_most is not None and ratio is not None:
        return Row(name, value, unit, peer, peer_value, ratio, f"≤ {ratio_most:.3g} × peer", ratio <= ratio_most)
    if ratio_least is not None and ratio is not None:
        return Row(name, value, unit, peer, peer_value, ratio, f"≥ {ratio_least:.3g} × peer", ratio >= ratio_least)
    if most is not None:
        return Row(name, value, unit, peer, peer_value, ratio, f"≤ {most:g} {unit}", value <= most)
    if least is not None:
        return Row(name, value, unit, peer, peer_value, ratio, f"≥ {_figure(least)} {unit}", value >= least)
    return Row(name, value, unit, peer, peer_value, ratio)


def missing(name: str, unit: str, why: str, goal: str | None = None) -> Row:
    """A figure that could not be measured here."""
    return Row(name, None, unit, goal=goal, why=why)


def publish(name: str, rows: list[Row], say: Callable[[str], None] = print) -> None:
    """Print the rows and write them to ``benchmarks/out``."""
    table = Table(title=f"{name}, {date.today()}, {_machine()}")
    for column in ("figure", "value", "unit", "peer", "peer's value", "ratio", "goal", "met"):
        table.add_column(column, justify="right" if column in ("value", "peer's value", "ratio") else "left")
    for one in rows:
        met = one.why or {True: "yes", False: "NO", None: ""}[one.met]
        table.add_row(
            one.name,
            _figure(one.value),
            one.unit,
            one.peer or "",
            _figure(one.peer_value),
            _figure(one.ratio),
            one.goal or "",
            met,
        )
    Console(width=160).print(table)
    OUT.mkdir(exist_ok=True)
    path = OUT / f"{name}.json"
    path.write_text(json.dumps([asdict(one) for one in rows], indent=1, ensure_ascii=False) + "\n", "utf-8")
    say(f"written: {path}")


def markdown(rows: list[Row]) -> str:
    """The rows as a Markdown table, for the docs."""
    lines = ["| figure | measured | peer, same run | goal | met |", "|---|---|---|---|---|"]
    for one in rows:
        value = f"{_figure(one.value)} {one.unit}" if one.value is not None else "–"
        peer = "" if one.peer is None else f"{one.peer}: {_figure(one.peer_value)} {one.unit} (ratio {_figure(one.ratio)})"
        met = one.why or {True: "yes", False: "no", None: ""}[one.met]
        lines.append(f"| {one.name} | {value} | {peer} | {one.goal or ''} | {met} |")
    return "\n".join(lines)


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _machine() -> str:
    return f"{os.cpu_count()} cores {platform.machine()}, Python {platform.python_version()}"
