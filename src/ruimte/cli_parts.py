"""What the commands have in common: naming a lab, and telling a result."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from collections.abc import Callable

    from ruimte.lab.lab import Lab


def tell(told: dict[str, Any], as_json: bool, lines: list[str]) -> None:
    """Print a result: as JSON, or in lines."""
    for line in [json.dumps(told, ensure_ascii=False, indent=2)] if as_json else lines:
        click.echo(line)


def folder_of(lab: str) -> Path:
    """A lab is named by its folder, or by the name under which it comes with the package."""
    from ruimte.labs import lab_folder, names

    folder = Path(lab)
    return lab_folder(lab) if not folder.exists() and lab in names() else folder


def read(lab: str) -> Lab:
    """The lab, which must be in order."""
    from ruimte.lab.read import read_lab

    return read_lab(folder_of(lab))


def now_us() -> int:
    """The wall's clock."""
    from ruimte.clock import SystemClock

    return SystemClock().now_us()


@contextmanager
def progress(what: str) -> Iterator[Callable[[float], None]]:
    """A progress bar on standard error, which appears with the first progress and goes when done; none in a log."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=1.0, visible=False)
        yield lambda share: bar.update(task, completed=share, visible=True)
