"""The command line."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from ruimte import __version__
from ruimte.errors import RuimteError
from ruimte.settings import data_dir

if TYPE_CHECKING:
    from collections.abc import Callable

    from ruimte.lab.lab import Lab

# The commands import what they need themselves: `ruimte --help` should not wait for numpy.


class _Commands(click.Group):
    """Turns every mistake that a user can mend into one line and exit code 1."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except RuimteError as error:
            click.echo(f"ruimte: {error}", err=True)
            context.exit(1)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="ruimte")
def main() -> None:
    """Open crowd-safety software for cities."""


def _node_options(function: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--no-browser", is_flag=True, help="Do not open a browser."),
        click.option("--data", type=click.Path(path_type=Path), help="Folder of the databases (else RUIMTE_DATA)."),
        click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0 takes any free one."),
        click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on."),
    ):
        function = option(function)
    return function


@main.command()
@click.argument("lab")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def check(lab: str, as_json: bool) -> None:
    """Check a LAB folder: every mistake in one run, with its file, its place and how to mend it."""
    from ruimte.lab.check import check_lab

    _, mistakes = check_lab(_folder(lab))
    if as_json:
        rows = [{"file": m.file, "place": m.place, "what": m.what, "mend": m.mend} for m in mistakes]
        click.echo(json.dumps({"ok": not mistakes, "mistakes": rows}, ensure_ascii=False, indent=2))
    else:
        for mistake in mistakes:
            click.echo(str(mistake))
        click.echo(f"{lab}: {len(mistakes)} mistake{'s' if len(mistakes) != 1 else ''}" if mistakes else f"{lab}: in order")
    if mistakes:
        sys.exit(1)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
def new(folder: Path) -> None:
    """Write a new, commented lab into FOLDER, to be changed into your own."""
    from ruimte.lab.new import new_lab

    new_lab(folder)
    click.echo(f"{folder}: made. Change its files, then: ruimte check {folder}")


@main.command("import")
@click.argument("lab")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", "format_", required=True, help="auckland, zurich, melbourne or table.")
@click.option("--mapping", type=click.Path(path_type=Path), help="TOML that describes a table (with --format table).")
@click.option("--longest-gap", help="How long silence may last and still mean zero, e.g. 2h (formats that leave out zeros).")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of the databases (else RUIMTE_DATA).")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def import_(
    lab: str, file: Path, format_: str, mapping: Path | None, longest_gap: str | None, data: Path | None, as_json: bool
) -> None:
    """Import a publisher's FILE into the database of LAB. Importing the same file again adds nothing."""
    from ruimte.jobs.importing import import_file
    from ruimte.jobs.register import register_lab
    from ruimte.store.sqlite import Store

    read = _read(lab)
    with Store(data_dir(data) / f"{read.key}.db", read.key) as store:
        register_lab(read, store)
        with _progress(f"import {file.name}") as show:
            report = import_file(read, store, file, format_, mapping, lambda done, _: show(done), longest_gap)
    if as_json:
        click.echo(json.dumps(report.as_dict(), ensure_ascii=False, indent=2))
    else:
        for line in report.lines():
            click.echo(line)
    if not report.kept:
        raise RuimteError("no observation was kept", str(file), "see the reasons above")


@main.command()
@click.argument("lab")
@_node_options
def serve(lab: str, host: str, port: int, data: Path | None, no_browser: bool) -> None:
    """Run LAB live: estimate, forecast, warn, and show the control room."""
    from ruimte.node import serve as run

    run(_read(lab), data_dir(data), host, port, browser=not no_browser, say=click.echo)


@main.command()
@click.option("--lab", default="auckland", show_default=True, help="A lab that comes with the package, or a folder.")
@click.option("--speed", default=600.0, show_default=True, type=click.FloatRange(1, 1e6), help="Seconds of the past a second.")
@click.option("--from", "from_", help="Start, local time: 2024-12-31T15:00. Default: the afternoon of 31 December.")
@_node_options
def demo(lab: str, speed: float, from_: str | None, host: str, port: int, data: Path | None, no_browser: bool) -> None:
    """Replay real counts: New Year's Eve in Auckland, an hour in six seconds."""
    from ruimte.jobs.replay import default_start, open_source
    from ruimte.node import demo as run
    from ruimte.store import observations

    read = _read(lab)
    wanted_us = None if from_ is None else _moment(from_, read)
    with _progress("first time: import the counts") as show:
        source = open_source(read, data_dir(data) / f"{read.key}.db", show)
    with source:
        span = source.read(observations.span)
        assert span is not None  # open_source holds to it
        start_us = default_start(read, span) if wanted_us is None else _within(wanted_us, read, span)
        run(read, source, host, port, speed=speed, start_us=start_us, browser=not no_browser, say=click.echo)


def _folder(lab: str) -> Path:
    """A lab is named by its folder, or by the name under which it comes with the package."""
    from ruimte.labs import lab_folder, names

    folder = Path(lab)
    return lab_folder(lab) if not folder.exists() and lab in names() else folder


def _read(lab: str) -> Lab:
    from ruimte.lab.read import read_lab

    return read_lab(_folder(lab))


def _moment(text: str, lab: Lab) -> int:
    from ruimte.clock import to_us

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise RuimteError(f"{text!r} is not a time", "--from", "write it as 2024-12-31T15:00") from None
    return to_us(moment if moment.tzinfo else moment.replace(tzinfo=lab.zone))


def _within(moment_us: int, lab: Lab, span: tuple[int, int]) -> int:
    from ruimte.clock import from_us

    if not span[0] <= moment_us < span[1]:
        wanted, first, last = (from_us(us).astimezone(lab.zone).strftime("%Y-%m-%dT%H:%M") for us in (moment_us, *span))
        raise RuimteError("lies outside the data", f"--from {wanted}", f"choose a time from {first} to {last}")
    return moment_us


@contextmanager
def _progress(what: str) -> Iterator[Callable[[float], None]]:
    """A progress bar on standard error, which appears with the first progress and goes when done; none in a log."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=1.0, visible=False)
        yield lambda share: bar.update(task, completed=share, visible=True)
