"""The command line."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ruimte import __version__
from ruimte.cli_follow import contribute, subscribe
from ruimte.cli_parts import folder_of as _folder
from ruimte.cli_parts import now_us as _now_us
from ruimte.cli_parts import progress as _progress
from ruimte.cli_parts import read as _read
from ruimte.cli_parts import tell as _tell
from ruimte.cli_share import share
from ruimte.cli_tracks import tracks
from ruimte.errors import RuimteError
from ruimte.settings import data_dir

if TYPE_CHECKING:
    from collections.abc import Callable

    from ruimte.jobs.devices import Line
    from ruimte.jobs.log import Log
    from ruimte.lab.lab import Lab
    from ruimte.model.place import Model
    from ruimte.store.accounts import StoredAccounts
    from ruimte.store.credentials import Credentials, Kind
    from ruimte.store.sqlite import Reader

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


main.add_command(share)
main.add_command(subscribe)
main.add_command(contribute)
main.add_command(tracks)


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
    from ruimte.jobs.agreement_lab import agreement_mistakes
    from ruimte.jobs.devices import device_mistakes
    from ruimte.jobs.lab_policies import policy_file_mistakes
    from ruimte.lab.check import check_lab

    read, mistakes = check_lab(_folder(lab))
    if read is not None:
        mistakes = [*device_mistakes(read), *agreement_mistakes(read), *policy_file_mistakes(read.folder)]
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
@click.option("--from", "from_", help="First day: 2026-06-05. Default: ten weeks and a day before the last.")
@click.option("--to", help="Last day, whole. Default: that of the calendar's newest event.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0), help="Another number gives another world.")
@click.option("--truth", type=click.Path(path_type=Path), help="Write who really was where to this Parquet file.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of the databases (else RUIMTE_DATA).")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def synthesise(
    lab: str, from_: str | None, to: str | None, seed: int, truth: Path | None, data: Path | None, as_json: bool
) -> None:
    """Fill the database of LAB, boulevard or a copy of it, with invented days: what sensors would tell of made-up visitors.

    The same seed always gives the same days. Days that the database holds already are not written over.
    """
    from ruimte.jobs.synthesising import WEEKS, usual_period
    from ruimte.jobs.synthesising import synthesise as run
    from ruimte.store.sqlite import Store

    read = _read(lab)
    last = usual_period(read)[1] if to is None else _day(to, "--to")
    first = last - WEEKS if from_ is None else _day(from_, "--from")
    with Store(data_dir(data) / f"{read.key}.db", read.key) as store, _progress(f"synthesise {read.key}") as show:
        told = run(read, store, first, last, seed, truth, progress=show)
    _tell(told.as_dict(), as_json, told.lines())


@main.command()
@click.argument("lab")
@click.option("--verify", is_flag=True, help="Compare every file of the archive with its SHA-256, too.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of the databases (else RUIMTE_DATA).")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def archive(lab: str, verify: bool, data: Path | None, as_json: bool) -> None:
    """Archive the closed days of LAB as compressed files beside its database. Archiving again writes what is new or has changed.

    Works while the node runs.
    """
    from ruimte.jobs.archiving import archive_days, archive_folder
    from ruimte.store.sqlite import Reader

    read, folder = _read(lab), data_dir(data)
    with Reader(folder / f"{read.key}.db", read.key) as store, _progress(f"archive {read.key}") as show:
        told = archive_days(read, store, archive_folder(read, folder), verify=verify, progress=show)
    _tell(told.as_dict(), as_json, told.lines())


@main.command()
@click.argument("lab")
@click.option("--from", "from_", help="Start of what is told, local time: 2020-07-01T00:00. Default: the first observation.")
@click.option("--to", help="End of what is told, local time. Default: the last observation.")
@click.option("--smooth", is_flag=True, help="Of each moment, what is known with what was heard later; needs --out.")
@click.option("--lag", default="24h", show_default=True, help="How much later, with --smooth: 1h, 24h …, or all.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the states to this Parquet file, and not to the database.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of the databases (else RUIMTE_DATA).")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def estimate(
    lab: str, from_: str | None, to: str | None, smooth: bool, lag: str, out: Path | None, data: Path | None, as_json: bool
) -> None:
    """Estimate the history of LAB anew, from its archive and database: states, and the calibration of its sensors.

    What differs from what the database holds is added to it, and a node that starts then goes on from there. With --out
    the database is only read, so that it works while the node runs.
    """
    from ruimte.jobs.archiving import History, archive_folder
    from ruimte.jobs.estimating import estimate as run
    from ruimte.jobs.estimating import store_states, write_states
    from ruimte.jobs.register import register_lab
    from ruimte.lab.compile import compile_lab
    from ruimte.store import observations
    from ruimte.store.sqlite import Reader, Store

    read, folder = _read(lab), data_dir(data)
    path = folder / f"{read.key}.db"
    lag_us = None if lag == "all" else _length(lag, "--lag")
    if smooth and out is None:
        raise RuimteError("what is known only later is not what was known then", "--smooth", "write it to a file: add --out FILE")
    with Reader(path, read.key) if out is not None or not path.exists() else Store(path, read.key) as store:
        span = store.read(observations.span)
        if span is None:
            raise RuimteError("holds no observations yet", str(path), f"import a file first: ruimte import {lab} FILE --format …")
        model = register_lab(read, store) if isinstance(store, Store) else compile_lab(read, store.stream_ids())
        history = History(store, archive_folder(read, folder))
        from_us = span[0] - 1 if from_ is None else _within(_moment(from_, read), read, span)
        until_us = span[1] if to is None else _within(_moment(to, read, "--to"), read, span, "--to")
        if from_us >= until_us:
            raise RuimteError("ends before it begins", "--from and --to", "set a later --to")
        with _progress(f"estimate {read.key}") as show:
            found = run(
                read,
                model,
                history,
                span,
                (from_us, until_us),
                smoothed=smooth,
                lag_us=lag_us,
                progress=show,
            )
        if out is not None:
            write_states(found.states, model, out)
        elif isinstance(store, Store):
            store_states(store, model, history, found)
    written = [f"written: {out}"] if out is not None else []
    _tell(found.as_dict(read, model) | ({"out": str(out)} if out else {}), as_json, found.lines(read, model) + written)


@main.command()
@click.argument("lab")
@click.argument("scenario")
@click.option("--at", help="When it is decided, local time: 2026-07-04T16:00. Default: the newest estimate.")
@click.option("--minutes", default=60, show_default=True, type=click.IntRange(1, 24 * 60), help="How far ahead to look.")
@click.option("--members", default=200, show_default=True, type=click.IntRange(10, 10_000), help="How many runs.")
@click.option("--micro", is_flag=True, help="Check its gates against single pedestrians, too (needs the extra micro).")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of the databases (else RUIMTE_DATA).")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def whatif(
    lab: str, scenario: str, at: str | None, minutes: int, members: int, micro: bool, data: Path | None, as_json: bool
) -> None:
    """What would SCENARIO change in LAB: a measure of its playbook (or several, with +), or a scenario's TOML file.

    Prints for each zone the highest chance of each level, without → with. Works while the node runs.
    """
    from ruimte.jobs.whatif import whatif as run
    from ruimte.lab.scenario import read_scenario, scenario_of

    read = _read(lab)
    as_file = scenario.endswith(".toml")
    asked = read_scenario(Path(scenario), read) if as_file else scenario_of(read, [key.strip() for key in scenario.split("+")])
    if not asked.steps:
        mend = f"give [[measure.action]] in {lab}/playbook.toml; see docs/lab.md"
        raise RuimteError("what this does to the crowd is not told", scenario, mend)
    with _history(read, data_dir(data) / f"{read.key}.db") as (model, source):
        assert source is not None  # it is required
        at_us = None if at is None else _moment(at, read, "--at")
        told = run(read, model, source, asked, at_us=at_us, minutes=minutes, members=members)
    checks = []
    if micro:
        from ruimte.jobs.micro import check_gates

        checks = check_gates(read, asked)
    beside = {"micro": [each.as_dict() for each in checks]} if micro else {}
    _tell(told.as_dict() | beside, as_json, told.lines() + [each.line() for each in checks])


@main.command()
@click.argument("lab")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of the databases (else RUIMTE_DATA).")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def sensors(lab: str, data: Path | None, as_json: bool) -> None:
    """Print the health and the calibration of the sensors of LAB, as the newest estimate knows them.

    Works while the node runs.
    """
    from ruimte.jobs.health import as_rows, read_health, table
    from ruimte.store.sqlite import Reader

    read = _read(lab)
    with Reader(data_dir(data) / f"{read.key}.db", read.key) as store:
        found = read_health(read, store, lab)
    _tell(as_rows(read, found), as_json, table(read, found))


@main.command()
@click.argument("lab")
@click.option("--pretrained", is_flag=True, help="Take a model as it comes: the one that comes with Ruimte, or that of --model.")
@click.option("--model", "file", type=click.Path(path_type=Path), help="With --pretrained: the file of the model to take.")
@click.option("--until", help="Learn only from what was before, local time: 2024-12-31T00:00. Default: all there is.")
@click.option("--roll-back", is_flag=True, help="Let the model before the active one forecast again.")
@click.option("--list", "listed", is_flag=True, help="Print the lab's models and how well each did.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of the databases (else RUIMTE_DATA).")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def train(
    lab: str,
    pretrained: bool,
    file: Path | None,
    until: str | None,
    roll_back: bool,
    listed: bool,
    data: Path | None,
    as_json: bool,
) -> None:
    """Train the forecast of LAB from its own past, and measure it on four weeks that it has not seen.

    The new model forecasts from the next start of the node on; the ones before it are kept. Works while the node runs.
    """
    from ruimte.jobs.models import Models, as_dict, summary

    if sum((pretrained, roll_back, listed)) > 1 or (file is not None and not pretrained):
        raise click.UsageError("give one of --pretrained (with --model, if you like), --roll-back and --list")
    if until is not None and (pretrained or roll_back or listed):
        raise click.UsageError("--until is for learning: leave it out with --pretrained, --roll-back and --list")
    read, folder = _read(lab), data_dir(data)
    models = Models(folder, read.key)
    if roll_back or listed:
        if roll_back:
            models.roll_back()
        register = models.register()
        active = [f"{'→' if each.id == register.active else ' '} {summary(each)}" for each in register.models]
        shown = [f"{' ' if register.active else '→'} the model that comes with Ruimte", *active]
        _tell(as_dict(register), as_json, shown)
        return
    from ruimte.jobs.training import take
    from ruimte.jobs.training import train as run

    path = folder / f"{read.key}.db"
    with _history(read, path, required=not pretrained) as (model, source), _progress(f"train {read.key}") as show:
        if pretrained:
            told = take(read, model, source, folder, file, show)
        else:
            assert source is not None  # it is required
            until_us = None if until is None else _moment(until, read, "--until")
            told = run(read, model, source, folder, until_us=until_us, progress=show)
    _tell(told.as_dict(), as_json, told.lines())


@main.command()
@click.option("--melbourne", required=True, type=click.Path(path_type=Path), help="The City of Melbourne's hourly counts (CSV).")
@click.option("--until", help="Leave out the counts from this local day on: 2025-01-01.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File to write the model into.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def pretrain(melbourne: Path, until: str | None, out: Path, as_json: bool) -> None:
    """Make the model that comes with Ruimte anew, from the openly published counts of Auckland and Melbourne."""
    from msgspec import to_builtins

    from ruimte.jobs.models import write_bundle
    from ruimte.jobs.pretraining import pretrain as run

    last = None if until is None else _day(until, "--until")
    with _progress("pretrain") as show:
        bundle = run(melbourne, last, show)
    write_bundle(out, bundle)
    _tell(to_builtins(bundle.about) | {"out": str(out)}, as_json, [f"written: {out}", *bundle.about.sources])


@main.command()
@click.argument("lab")
@click.option("--from", "from_", help="First moment of issue, local time: 2025-01-06T06:00. Default: 90 days before the last.")
@click.option("--origins", default=36, show_default=True, type=click.IntRange(1, 10_000), help="How many moments of issue.")
@click.option("--every", help="Time between them: 10d, 24h … Default: so that they fill what there is.")
@click.option("--hours", help="Hours of the day, in turn: 6,12,18. Default: that of --from.")
@click.option("--horizon", default="7d", show_default=True, help="How far ahead: 2h, 24h, 7d …")
@click.option("--methods", help="Which, by comma (see the docs). Default: all that need no more packages.")
@click.option("--model", "file", type=click.Path(path_type=Path), help="A model's file, in place of the lab's own.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the pictures (needs the extra report).")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of the databases (else RUIMTE_DATA).")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def backtest(
    lab: str,
    from_: str | None,
    origins: int,
    every: str | None,
    hours: str | None,
    horizon: str,
    methods: str | None,
    file: Path | None,
    out: Path | None,
    data: Path | None,
    as_json: bool,
) -> None:
    """Forecast again and again from moments of the past of LAB, every method with the same past, and compare with what came.

    To be judged fairly the model must not have seen that past: see --until of ruimte train. Works while the node runs.
    """
    from msgspec import to_builtins

    from ruimte.jobs.backtesting import Moments, as_dict, first_day, lines, run_backtest
    from ruimte.jobs.models import Models, judged_by, read_bundle

    read, folder = _read(lab), data_dir(data)
    asked = None if methods is None else tuple(name.strip() for name in methods.split(","))
    moments = Moments(
        from_us=None if from_ is None else _moment(from_, read),
        count=origins,
        every_us=None if every is None else _length(every, "--every"),
        hours=None if hours is None else _hours_of_day(hours),
        horizon_us=_length(horizon, "--horizon"),
    )
    bundle = Models(folder, read.key).load() if file is None else read_bundle(file)
    with _history(read, folder / f"{read.key}.db") as (model, source), _progress(f"backtest {read.key}") as show:
        assert source is not None  # it is required
        found = run_backtest(read, model, source, bundle, moments, asked, show)
    pictures = []
    if out is not None:
        from ruimte.report.forecast import draw_backtest

        pictures = [str(path) for path in draw_backtest(found, out, read.zone)]
    judged = judged_by(bundle.about, first_day(found, read))
    told = {"model": to_builtins(bundle.about), "notes": judged} | as_dict(found) | {"pictures": pictures}
    _tell(told, as_json, judged + lines(found) + [f"written: {path}" for path in pictures])


@main.command()
@click.argument("lab")
@click.option("--horizon", default="24h", show_default=True, help="How far ahead: 2h, 24h, 7d …")
@click.option("--at", help="The moment of issue, local time. Default: the newest that is known.")
@click.option("--model", "file", type=click.Path(path_type=Path), help="A model's file, in place of the lab's own.")
@click.option("--typical", type=float, help="Where there is no history: how many a usual hour holds, on average.")
@click.option("--out", type=click.Path(path_type=Path), help="Write all quantiles to this Parquet file.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of the databases (else RUIMTE_DATA).")
@click.option("--json", "as_json", is_flag=True, help="Print all quantiles as JSON.")
def forecast(
    lab: str,
    horizon: str,
    at: str | None,
    file: Path | None,
    typical: float | None,
    out: Path | None,
    data: Path | None,
    as_json: bool,
) -> None:
    """Forecast the zones, gates and count points of LAB from the newest moment on. Works while the node runs."""
    from ruimte.jobs.forecasting import forecast_lab, write_forecast
    from ruimte.jobs.models import Models, read_bundle

    read, folder = _read(lab), data_dir(data)
    at_us = None if at is None else _moment(at, read, "--at")
    bundle, wrong = Models(folder, read.key).load_or_shipped() if file is None else (read_bundle(file), None)
    path = folder / f"{read.key}.db"
    with _history(read, path, required=False) as (model, source), _progress(f"forecast {read.key}") as show:
        found = forecast_lab(read, model, source, bundle, _length(horizon, "--horizon"), at_us, typical, show)
    if wrong is not None:
        found.notes.insert(0, f"the lab's own model is left out, the one that comes with Ruimte is used: {wrong}")
    if out is not None:
        write_forecast(found, out)
    written = [] if out is None else [f"written: {out}"]
    _tell(found.as_dict(), as_json, found.lines() + written)


@main.group()
def warn() -> None:
    """Warnings: how good they are."""


@warn.command("evaluate")
@click.argument("lab")
@click.option("--from", "from_", help="Begin, local time: 2025-01-06T06:00. Default: a week before the last observation.")
@click.option("--to", help="End, local time. Default: the last observation.")
@click.option("--model", "file", type=click.Path(path_type=Path), help="A forecast model's file, in place of the lab's own.")
@click.option(
    "--truth", type=click.Path(path_type=Path), help="Parquet of what really came (place, end_us, people), where known."
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the pictures (needs the extra report).")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of the databases (else RUIMTE_DATA).")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def warn_evaluate(
    lab: str,
    from_: str | None,
    to: str | None,
    file: Path | None,
    truth: Path | None,
    out: Path | None,
    data: Path | None,
    as_json: bool,
) -> None:
    """Replay a past of LAB, warn as if it were now, and compare with what came: hits, misses, false alarms, lead times, Brier.

    Beside it two other methods: a fixed threshold on the current value, and the forecast from the weekly profile. Works while the
    node runs.
    """
    from ruimte.clock import DAY_US
    from ruimte.jobs.judging import as_dict, judge_warnings, lines, read_truth
    from ruimte.jobs.models import Models, read_bundle
    from ruimte.store import observations

    read, folder = _read(lab), data_dir(data)
    bundle = Models(folder, read.key).load_or_shipped()[0] if file is None else read_bundle(file)
    path = folder / f"{read.key}.db"
    with _history(read, path) as (model, source), _progress(f"evaluate {read.key}") as show:
        assert source is not None  # it is required
        span = source.read(observations.span)
        if span is None:
            raise RuimteError("holds no observations yet", str(path), f"import a file first: ruimte import {lab} FILE --format …")
        until_us = span[1] if to is None else _within(_moment(to, read, "--to"), read, span, "--to")
        from_us = max(span[0], until_us - 7 * DAY_US) if from_ is None else _within(_moment(from_, read), read, span)
        known = None if truth is None else read_truth(truth, model)
        found = judge_warnings(read, model, source, bundle, from_us, until_us, known, show)
    pictures = []
    if out is not None:
        from ruimte.report.warnings import draw_warnings

        pictures = [str(each) for each in draw_warnings(found, out)]
    _tell(as_dict(found) | {"pictures": pictures}, as_json, lines(found) + [f"written: {each}" for each in pictures])


@main.command()
@click.argument("lab")
@click.option("--from", "from_", help="Start of the period, local time: 2024-12-31T18:00. Default: twelve hours before its end.")
@click.option("--to", help="End of the period, local time. Default: the newest that is known.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write the report to this file: .html, or .pdf (by a Chromium on the machine)."
)
@click.option("--language", default="en", show_default=True, type=click.Choice(["en", "nl"]), help="Language of the report.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of the databases (else RUIMTE_DATA).")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def report(
    lab: str, from_: str | None, to: str | None, out: Path | None, language: str, data: Path | None, as_json: bool
) -> None:
    """Report what happened in LAB in a period: what was warned of, decided and forecast, and what came.

    Works while the node runs.
    """
    from ruimte.jobs.reporting import as_dict, gather, last_known, lines, write_report

    read, folder = _read(lab), data_dir(data)
    with _history(read, folder / f"{read.key}.db") as (model, source), _progress(f"report {read.key}") as show:
        assert source is not None  # it is required
        until_us = last_known(source) if to is None else _moment(to, read, "--to")
        from_us = until_us - 12 * 3_600_000_000 if from_ is None else _moment(from_, read)
        found = gather(read, model, source, language, from_us, until_us)
        show(0.5)
        if out is not None:
            write_report(found, read, language, out)
    written = [] if out is None else [f"written: {out}"]
    _tell(as_dict(found) | ({} if out is None else {"out": str(out)}), as_json, lines(found, read, language) + written)


@main.command()
@click.argument("lab", required=False)
@click.option("--sandbox", is_flag=True, help="No lab: a SensorThings server that anybody on this machine can write to.")
@click.option(
    "--base-url", default="", envvar="RUIMTE_BASE_URL", help="Where the node is found from outside (else RUIMTE_BASE_URL)."
)
@click.option(
    "--broker", default="", envvar="RUIMTE_BROKER", help="MQTT: mqtt://HOST:PORT, mqtts://…, or embedded (else RUIMTE_BROKER)."
)
@click.option("--broker-updates", is_flag=True, help="In a lab: publish what is new too, to who the broker lets read it.")
@click.option("--client-cert-header", default="", help="In a lab: the header in which a proxy tells a device's certificate.")
@_node_options
def serve(
    lab: str | None,
    sandbox: bool,
    base_url: str,
    broker: str,
    broker_updates: bool,
    client_cert_header: str,
    host: str,
    port: int,
    data: Path | None,
    no_browser: bool,
) -> None:
    """Run LAB live: estimate, forecast, warn, and show the control room. Or run a sandbox, to try SensorThings clients out."""
    from ruimte import node

    if sandbox == (lab is not None):
        raise click.UsageError("give a LAB, or --sandbox without one")
    if lab is None:
        node.sandbox(data_dir(data), host, port, base_url=base_url, broker=broker, browser=not no_browser, say=click.echo)
        return
    node.serve(
        _read(lab),
        data_dir(data),
        host,
        port,
        base_url=base_url,
        broker=broker,
        broker_updates=broker_updates,
        certificate_header=client_cert_header,
        browser=not no_browser,
        say=click.echo,
    )


@main.command()
@click.option("--lab", default="auckland", show_default=True, help="A lab that comes with the package, or a folder.")
@click.option("--speed", default=600.0, show_default=True, type=click.FloatRange(1, 1e6), help="Seconds of the past a second.")
@click.option("--from", "from_", help="Start, local time: 2024-12-31T15:00. Default: the afternoon of the newest event.")
@_node_options
def demo(lab: str, speed: float, from_: str | None, host: str, port: int, data: Path | None, no_browser: bool) -> None:
    """Replay real counts, New Year's Eve in Auckland, an hour in six seconds; or, with --lab boulevard, an invented festival."""
    from ruimte.jobs.replay import default_start, open_source
    from ruimte.node import demo as run
    from ruimte.store import observations

    read = _read(lab)
    wanted_us = None if from_ is None else _moment(from_, read)
    with _progress("first time: fill the database") as show:
        source = open_source(read, data_dir(data) / f"{read.key}.db", show)
    with source:
        span = source.read(observations.span)
        assert span is not None  # open_source holds to it
        start_us = default_start(read, span) if wanted_us is None else _within(wanted_us, read, span)
        run(read, source, host, port, speed=speed, start_us=start_us, browser=not no_browser, say=click.echo)


@main.command()
@click.argument("lab")
@click.option("--test", metavar="CHANNEL", help="Send a message of trial over this channel, and say what came back.")
@click.option("--key", is_flag=True, help="Print the public key with which webhooks are signed.")
@click.option("--base-url", default="", envvar="RUIMTE_BASE_URL", hidden=True)
@click.option("--data", type=click.Path(path_type=Path), help="Folder of the databases (else RUIMTE_DATA).")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def notify(lab: str, test: str | None, key: bool, base_url: str, data: Path | None, as_json: bool) -> None:
    """List the channels on which warnings of LAB go out (node.toml in the data folder), and how each does.

    Works while the node runs.
    """
    from ruimte.jobs.notifying import as_rows, channel_states, channels_of, lines, try_channel
    from ruimte.notify.keys import node_keys

    read, folder = _read(lab), data_dir(data)
    if key:
        keys = node_keys(folder, read.key)
        _tell({"public": keys.public, "kid": keys.id}, as_json, [f"public  {keys.public}", f"kid     {keys.id}"])
        return
    channels = channels_of(folder)
    if test is not None:
        told = try_channel(read, channels, test, node_keys(folder, read.key), os.environ, base_url)
        _tell({"channel": test, "taken": True}, as_json, [told])
        return
    states = channel_states(channels, folder / f"{read.key}.db", read.key)
    _tell({"channels": as_rows(channels, states)}, as_json, lines(read, channels, states))


@main.group()
def device() -> None:
    """Devices: who may send, and what proves it."""


@main.group()
def reader() -> None:
    """Readers: programs that may read a lab's observations."""


@main.group()
def log() -> None:
    """The transparency log: what was shared, decided and agreed, so that nobody can rewrite it unseen."""


def _lab_options(function: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print the result as JSON."),
        click.option("--data", type=click.Path(path_type=Path), help="Folder of the databases (else RUIMTE_DATA)."),
        click.argument("lab"),
    ):
        function = option(function)
    return function


_valid_for = click.option("--valid-for", help="How long it holds, e.g. 52w. Default: until it is revoked.")


@device.command()
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def keygen(as_json: bool) -> None:
    """Make a key pair for signing messages. The private key stays in the device, the public one goes into sensors.toml."""
    from ruimte.keys.signature import generate, key_id

    pair = generate()
    told = {"private": pair.private, "public": pair.public, "kid": key_id(pair.public)}
    _tell(told, as_json, [f"{name:8}{value}" for name, value in told.items()])


@device.command("token")
@_lab_options
@click.argument("key", metavar="DEVICE")
@_valid_for
def device_token(lab: str, key: str, valid_for: str | None, data: Path | None, as_json: bool) -> None:
    """Give DEVICE a new token, in place of what it had. It is shown once; only a hash is kept. Works while the node runs."""
    from ruimte.jobs.devices import require_device

    read = _read(lab)
    require_device(read, key)
    _token(read, data, "device", key, valid_for, as_json)


@device.command()
@_lab_options
@click.argument("key", metavar="DEVICE")
@click.argument("file", type=click.Path(path_type=Path))
def certificate(lab: str, key: str, file: Path, data: Path | None, as_json: bool) -> None:
    """Let DEVICE in by the client certificate in FILE (PEM or DER), in place of what it had."""
    from ruimte.clock import iso
    from ruimte.jobs.devices import accept_certificate, require_device

    read = _read(lab)
    with _credentials(read, data) as held:
        credential = accept_certificate(held, require_device(read, key), file)
    expires = None if credential.expires_us is None else iso(credential.expires_us)
    _tell({"device": key, "expires": expires}, as_json, [f"{key}: let in by its certificate until {expires}"])


@device.command("list")
@_lab_options
def device_list(lab: str, data: Path | None, as_json: bool) -> None:
    """List the devices of LAB and what each proves itself by."""
    from ruimte.jobs.devices import device_lines

    read = _read(lab)
    with _credentials(read, data) as held:
        _tell_lines(device_lines(read, held, _now_us()), as_json)


@device.command("revoke")
@_lab_options
@click.argument("key", metavar="DEVICE")
def device_revoke(lab: str, key: str, data: Path | None, as_json: bool) -> None:
    """Withdraw the credential of DEVICE. A node that runs notices within seconds."""
    _revoke(_read(lab), data, "device", key, as_json)


@device.command()
@_lab_options
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write them into.")
def mosquitto(lab: str, out: Path, data: Path | None, as_json: bool) -> None:
    """Write Mosquitto's password and ACL files: each device may only publish its own. Write them again after every change.

    The node's own user and password are read from RUIMTE_BROKER_USER and RUIMTE_BROKER_PASSWORD.
    """
    from ruimte.jobs.devices import mosquitto_files, write_private
    from ruimte.store.sqlite import Reader

    read = _read(lab)
    node = (os.environ.get("RUIMTE_BROKER_USER", ""), os.environ.get("RUIMTE_BROKER_PASSWORD", ""))
    if not all(node):
        what = "the node's own user and password for the broker are not known"
        raise RuimteError(what, "ruimte device mosquitto", "set RUIMTE_BROKER_USER and RUIMTE_BROKER_PASSWORD, as for the node")
    path = data_dir(data) / f"{read.key}.db"
    if not path.exists():
        raise RuimteError(
            "the node has not run yet, so no datastream has a topic", str(path), f"start it once: ruimte serve {lab}"
        )
    with Reader(path, read.key) as store, _credentials(read, data) as held:
        files = mosquitto_files(read, store.stream_ids(), held, node, _now_us())
    written = [str(path) for path in write_private(out, files)]
    _tell({"files": written}, as_json, written)


@reader.command("token")
@_lab_options
@click.argument("name")
@_valid_for
def reader_token(lab: str, name: str, valid_for: str | None, data: Path | None, as_json: bool) -> None:
    """Give the reader NAME a new token, in place of what it had. It is shown once; only a hash is kept."""
    from ruimte.jobs.devices import require_reader_name

    read = _read(lab)
    require_reader_name(name, read)
    _token(read, data, "reader", name, valid_for, as_json)


@reader.command("list")
@_lab_options
def reader_list(lab: str, data: Path | None, as_json: bool) -> None:
    """List the readers of LAB."""
    from ruimte.jobs.devices import reader_lines

    read = _read(lab)
    with _credentials(read, data) as held:
        _tell_lines(reader_lines(held, _now_us()), as_json)


@reader.command("revoke")
@_lab_options
@click.argument("name")
def reader_revoke(lab: str, name: str, data: Path | None, as_json: bool) -> None:
    """Withdraw the token of the reader NAME. A node that runs notices within seconds."""
    _revoke(_read(lab), data, "reader", name, as_json)


@main.group()
def account() -> None:
    """Accounts: who may use a node's pages, and in which role. All of it works while the node runs."""


_role = click.option("--role", required=True, help="viewer, operator, manager, privacy-officer or admin.")
_url = click.option("--url", default="http://127.0.0.1:8000/", show_default=True, help="Where the node is found.")


@account.command("add")
@_lab_options
@click.argument("name")
@_role
@_url
def account_add(lab: str, name: str, role: str, url: str, data: Path | None, as_json: bool) -> None:
    """Make the account NAME. Prints a link that signs in once, within a day; then a password can be set."""
    from ruimte.jobs.accounts import require_name, require_role

    require_name(name)
    with _accounts(lab, data) as held:
        held.add(name, require_role(role))
        _tell_link(held.one_time_token(name), name, url, as_json)


@account.command("link")
@_lab_options
@click.argument("name")
@_url
def account_link(lab: str, name: str, url: str, data: Path | None, as_json: bool) -> None:
    """Print a new link for the account NAME, which signs in once, within a day: for who forgot the password."""
    with _accounts(lab, data) as held:
        _tell_link(held.one_time_token(name), name, url, as_json)


@account.command("list")
@_lab_options
def account_list(lab: str, data: Path | None, as_json: bool) -> None:
    """List the accounts of LAB's node."""
    from ruimte.jobs.accounts import account_rows

    with _accounts(lab, data) as held:
        rows = account_rows(held)
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    for row in rows if not as_json else ():
        click.echo(f"{row['name']}: {row['role']}{'' if row['password'] else ' (no password)'}")


@account.command("role")
@_lab_options
@click.argument("name")
@_role
def account_role(lab: str, name: str, role: str, data: Path | None, as_json: bool) -> None:
    """Give the account NAME another role. Its sessions end at once."""
    from ruimte.jobs.accounts import require_role

    with _accounts(lab, data) as held:
        held.set_role(name, require_role(role))
    _tell({"account": name, "role": role}, as_json, [f"{name}: {role}"])


@account.command("remove")
@_lab_options
@click.argument("name")
def account_remove(lab: str, name: str, data: Path | None, as_json: bool) -> None:
    """Take the account NAME away. Its sessions end at once."""
    with _accounts(lab, data) as held:
        held.remove(name)
    _tell({"account": name, "removed": True}, as_json, [f"{name}: removed"])


@log.command("show")
@_lab_options
def log_show(lab: str, data: Path | None, as_json: bool) -> None:
    """Print how large the log of LAB is, its key, checkpoint and witnesses. Reads all of it; works while the node runs."""
    from ruimte.jobs.log_words import as_dict, lines

    with _log(_read(lab), data) as opened:
        _tell(as_dict(opened), as_json, lines(opened))


@log.command("export")
@_lab_options
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File to write it into; must not be there yet.")
def log_export(lab: str, out: Path, data: Path | None, as_json: bool) -> None:
    """Write the whole log of LAB into a text file that anybody can check: its checkpoint and its entries."""
    from ruimte.jobs.log_export import write_export

    with _log(_read(lab), data) as opened, _progress(f"export {opened.origin}") as show:
        said = write_export(opened, out, show)
    told = {"origin": said.origin, "size": said.size, "root": said.root.hex(), "out": str(out)}
    _tell(told, as_json, [f"written: {out} ({said.size} {'entry' if said.size == 1 else 'entries'})"])


@log.command("prove")
@_lab_options
@click.argument("index", type=click.IntRange(0))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File for the proof; must not be there yet.")
def log_prove(lab: str, index: int, out: Path, data: Path | None, as_json: bool) -> None:
    """Write the proof that entry INDEX is in the log of LAB, with what it commits to where that is still kept."""
    from ruimte.jobs.agreement_files import write_whole

    with _log(_read(lab), data) as opened:
        write_whole(out, opened.proof(index, disclose=True).encode(), 0o644, new=True)
        kept = opened.payload(index) is not None
    said = "with" if kept else "without"
    _tell({"index": index, "payload": kept, "out": str(out)}, as_json, [f"written: {out} ({said} what it commits to)"])


@log.command("verify")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--key", "keys", multiple=True, help="Verifier key of the log, or of a witness; may come several times.")
@click.option("--agreement", type=click.Path(path_type=Path), help="An agreement: its parties' keys are believed.")
@click.option("--data", "body", type=click.Path(path_type=Path), help="What came from the node: is it what the entry is about?")
@click.option("--salt", help="The salt that came with it, where the proof does not hold it; needs --agreement.")
@click.option("--since", type=click.Path(path_type=Path), help="An older checkpoint: does the log begin with it?")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def log_verify(
    file: Path,
    keys: tuple[str, ...],
    agreement: Path | None,
    body: Path | None,
    salt: str | None,
    since: Path | None,
    as_json: bool,
) -> None:
    """Check FILE, which a log gave, without the node: an export, a proof, a consistency proof or a checkpoint."""
    from ruimte.jobs.proving import trust, verify

    try:
        with _progress(f"verify {file.name}") as show:
            verdict = verify(file, trust(keys, agreement), body, since, show, salt)
    except RuimteError as error:
        if not as_json:
            raise
        told = {"ok": False, "what": error.what, "where": error.where, "mend": error.mend}
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        sys.exit(1)
    _tell(verdict.as_dict(), as_json, verdict.lines())


def _log(lab: Lab, data: Path | None) -> Log:
    """The log of a lab, where there is one."""
    from ruimte.jobs.agreements import Book, agreement_folders
    from ruimte.jobs.log import log_path
    from ruimte.jobs.node_log import open_node_log
    from ruimte.notify.keys import known_node_keys

    folder = data_dir(data)
    path = log_path(folder, lab.key)
    if not path.exists():
        raise RuimteError("there is no log yet", str(path), "a node with agreements makes one: ruimte serve")
    book = Book(agreement_folders(lab, folder), _now_us)
    return open_node_log(lab.key, folder, book, known_node_keys(folder, lab.key), _now_us)


def _accounts(lab: str, data: Path | None) -> StoredAccounts:
    from ruimte.jobs.accounts import accounts_path
    from ruimte.store.accounts import StoredAccounts

    return StoredAccounts(accounts_path(_read(lab), data_dir(data)), _now_us)


def _tell_link(token: str, name: str, url: str, as_json: bool) -> None:
    link = f"{url.rstrip('/')}/sign-in/{token}"
    _tell({"account": name, "link": link}, as_json, [link])


def _token(lab: Lab, data: Path | None, kind: Kind, name: str, valid_for: str | None, as_json: bool) -> None:
    from ruimte.clock import iso

    expires_us = None if valid_for is None else _now_us() + _length(valid_for, "--valid-for")
    with _credentials(lab, data) as held:
        token = held.issue(kind, name, expires_us)
    _tell({kind: name, "token": token, "expires": None if expires_us is None else iso(expires_us)}, as_json, [token])


def _revoke(lab: Lab, data: Path | None, kind: Kind, name: str, as_json: bool) -> None:
    with _credentials(lab, data) as held:
        mine = any(each.name == name and each.kind == kind for each in held.all())
        if not mine or not held.revoke(name):
            raise RuimteError(f"{kind} {name!r} has no credential", lab.key, f"see `ruimte {kind} list {lab.key}`")
    _tell({kind: name, "revoked": True}, as_json, [f"{name}: revoked"])


def _credentials(lab: Lab, data: Path | None) -> Credentials:
    from ruimte.jobs.devices import credentials_path
    from ruimte.store.credentials import Credentials

    return Credentials(credentials_path(lab, data_dir(data)), _now_us)


def _tell_lines(lines: list[Line], as_json: bool) -> None:
    if as_json:
        from msgspec import to_builtins

        click.echo(json.dumps(to_builtins(lines), ensure_ascii=False, indent=2))
        return
    for line in lines:
        until = f", until {line.expires}" if line.expires else ""
        click.echo(f"{line.name}: {line.by} ({line.state}{until})")


@contextmanager
def _history(lab: Lab, path: Path, *, required: bool = True) -> Iterator[tuple[Model, Reader | None]]:
    """The lab compiled for its database, and that to read; without a database (where that may be) only the places are known."""
    from ruimte.lab.compile import compile_lab, stream_keys
    from ruimte.store.sqlite import Reader

    if not path.exists() and not required:
        yield compile_lab(lab, {each.key: number for number, each in enumerate(stream_keys(lab))}), None
        return
    with Reader(path, lab.key) as source:
        yield compile_lab(lab, source.stream_ids()), source


def _length(text: str, option: str) -> int:
    from ruimte.text import duration_us

    try:
        return duration_us(text)
    except ValueError as error:
        raise RuimteError(str(error), option, "write a whole number and s, m, h, d or w, like 24h") from None


def _hours_of_day(text: str) -> tuple[int, ...]:
    try:
        hours = tuple(int(part) for part in text.split(","))
    except ValueError:
        hours = (-1,)
    if not all(0 <= hour < 24 for hour in hours):
        raise RuimteError(f"{text!r} is not hours of the day", "--hours", "write them as 6,12,18")
    return hours


def _moment(text: str, lab: Lab, option: str = "--from") -> int:
    from ruimte.clock import to_us

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise RuimteError(f"{text!r} is not a time", option, "write it as 2024-12-31T15:00") from None
    return to_us(moment if moment.tzinfo else moment.replace(tzinfo=lab.zone))


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise RuimteError(f"{text!r} is not a day", option, "write it as 2025-01-01") from None


def _within(moment_us: int, lab: Lab, span: tuple[int, int], option: str = "--from") -> int:
    from ruimte.clock import from_us

    if not span[0] <= moment_us <= span[1]:
        wanted, first, last = (from_us(us).astimezone(lab.zone).strftime("%Y-%m-%dT%H:%M") for us in (moment_us, *span))
        raise RuimteError("lies outside the data", f"{option} {wanted}", f"choose a time from {first} to {last}")
    return moment_us
