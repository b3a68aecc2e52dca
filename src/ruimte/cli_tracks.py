"""``ruimte tracks``: from a recording of tracks to a table, files and a picture."""

from __future__ import annotations

import errno
import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ruimte.cli_parts import now_us, progress, read
from ruimte.errors import RuimteError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FORMATS = "juelich-text, juelich-hdf5, jupedsim, table, xovis, axis-scene, vinotion-gps"
"""Named here, so that `ruimte --help` need not wait for the readers."""


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--lab", help="The lab whose zones and gates are measured. Default: all of the walkable area as one zone.")
@click.option("--device", metavar="KEY", help="The lab's device that made the recording, where several tell tracks.")
@click.option("--unit", type=click.Choice(["m", "cm", "mm"]), help="Of positions, where the file does not tell it.")
@click.option("--rate", type=float, help="Frames a second, where the file does not tell it.")
@click.option("--format", "format_", help=f"Default: told from the file itself. One of {_FORMATS}.")
@click.option("--mapping", type=click.Path(path_type=Path), help="TOML that tells what the columns of a table mean.")
@click.option("--homography", type=click.Path(path_type=Path), help="Nine numbers in a file: a camera's picture on the ground.")
@click.option("--cut-off", default=0.8, show_default=True, help="How far a Voronoi cell reaches, m; 0: as far as the walls.")
@click.option("--step", type=click.IntRange(1), help="Frames to each side over which speed is told. Default: about 0.2 s.")
@click.option("--window", default=10.0, show_default=True, help="Seconds over which flow is told.")
@click.option("--every", default=1.0, show_default=True, help="Interval of the time series, s.")
@click.option("--square", type=float, help="Side of the map's squares, m. Default: 0.2, larger for a large area.")
@click.option("--distancing", is_flag=True, help="Physical distancing too, if the lab's register allows it.")
@click.option("--out", type=click.Path(path_type=Path), help="Write Parquet files and a picture (PNG, SVG) into this folder.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def tracks(
    file: Path,
    lab: str | None,
    device: str | None,
    unit: str | None,
    rate: float | None,
    format_: str | None,
    mapping: Path | None,
    homography: Path | None,
    cut_off: float,
    step: int | None,
    window: float,
    every: float,
    square: float | None,
    distancing: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Measure a recording of tracks: density, speed, flow, level of service and danger indicators of LAB's zones and gates.

    What is printed and written are figures of zones, gates, squares and times; none is of a single person.
    """
    from ruimte.jobs.measured import as_dict
    from ruimte.jobs.measuring import Choices, Reading, is_cold, measure_recording, read_recording, warm_up

    if device is not None and lab is None:
        raise click.UsageError("--device goes with --lab")
    if out is not None:
        _require_folder(out)
    own = None if lab is None else read(lab)
    picture = None if homography is None else _homography(homography)
    with progress(f"read {file.name}") as show:
        show(0.0)
        recording = read_recording(file, Reading(format_, unit, rate, mapping, picture), own, device)
    if is_cold():
        if not sys.stderr.isatty():  # a log shows no bar, and a minute of nothing looks like a hang
            click.echo("ruimte: first time on this machine: compiling (a minute or two)", err=True)
        with progress("first time on this machine: compile (a minute or two)") as show:
            show(0.0)
            warm_up()
    choices = Choices(cut_off if cut_off != 0 else None, step, window, every, square, distancing)
    with progress(f"measure {file.name}") as show:
        told = measure_recording(file, recording, choices, lab=own, device=device, now_us=now_us(), progress=show)
    written: list[str] = []
    if out is not None:
        from ruimte.jobs.measured_files import write_measured

        with progress("draw and write") as show:
            show(0.0)
            written = [str(path) for path in write_measured(told, out)]
    found = as_dict(told) | {"written": written}
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2, allow_nan=False))
    else:
        _print(found)


def _require_folder(out: Path) -> None:
    """What cannot be written is told before the work, not after it."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        if not os.access(out, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise RuimteError(f"cannot be written ({error.strerror or error})", str(out), "name a folder you may write") from None


def _homography(file: Path) -> NDArray[np.float64]:
    """Nine numbers of a text file, row by row; blanks, commas and brackets may stand between them."""
    import numpy as np

    try:
        words = re.split(r"[\s,;\[\]]+", file.read_text(encoding="utf-8").strip(" \t\r\n[],;"))
        numbers = np.array([float(word) for word in words])
    except OSError as error:
        raise RuimteError(f"cannot be read ({error.strerror or error})", str(file), "check the path") from None
    except ValueError:
        raise RuimteError("holds something else than numbers", str(file), "give three rows of three numbers") from None
    if numbers.size != 9 or not np.isfinite(numbers).all():
        raise RuimteError(f"holds {numbers.size} numbers", str(file), "give three rows of three numbers")
    return numbers.reshape(3, 3)


# ---- tables

_WIDTH = 400
"""So wide the tables may be: they take what they need. A narrower terminal wraps them, but nothing is cut off."""
_MANY = 0.1
"""Where so large a share of the positions lies outside, the ground may be wrong."""


def _print(found: dict[str, Any]) -> None:
    from rich.console import Console

    console = Console(width=max(Console().width, _WIDTH))
    told, start = found["parameters"], f", from {found['start']}" if found["start"] else ""
    step = "1 frame" if told["step_frames"] == 1 else f"{told['step_frames']} frames"
    cut_off = "none" if told["cut_off_m"] is None else f"{told['cut_off_m']:g} m"
    click.echo(
        f"{found['file']}: {found['tracks']:,} tracks in {found['frames']:,} frames, "
        f"{found['seconds']:.1f} s at {told['rate_hz']:g} Hz{start}"
    )
    click.echo(
        f"walkable: {found['walkable']}, {found['walkable_m2']:,.1f} m²; cut-off {cut_off}, "
        f"speed from {step} before to {step} after, means of {told['every_s']:g} s"
    )
    for table in (_zones(found), _levels(found), _gates(found)):
        if table is not None:
            click.echo()
            console.print(table)
    lines = ["", *_left_out(found["left_out"]), *(f"note: {note}" for note in found["notes"])]
    lines += ["", "Danger indicators, each in its worst window", *_indicators(found)]
    if found["distancing"] is not None:
        lines += ["", "Physical distancing", *_distancing(found["distancing"])]
    if found["written"]:
        lines += ["", *(f"written: {path}" for path in found["written"])]
    for line in lines:
        click.echo(line)


def _table(title: str, *columns: str) -> Any:
    """A table with its first column to the left and figures to the right."""
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", no_wrap=True)
    return table


def _zones(found: dict[str, Any]) -> Any:
    table = _table(
        "zones: people; Voronoi density and classic mean, persons/m²; speed, m/s",
        "zone", "m²", "people", "at most", "median", "95 %", "highest", "at", "classic", "speed",
    )  # fmt: skip
    for zone in found["zones"]:
        table.add_row(
            _plain(zone["name"]),
            f"{zone['area_m2']:,.1f}",
            f"{zone['people_mean']:.1f}",
            f"{zone['people_most']}",
            *(f"{zone[name]:.2f}" for name in ("density_median", "density_95", "density_most")),
            f"{zone['density_most_at_s']:g} s",
            f"{zone['density_classic_mean']:.2f}",
            _figure(zone["speed_m_s"], ".2f"),
        )
    return table


def _levels(found: dict[str, Any]) -> Any:
    table = _table("level of service: share of the time", "zone", "table", *"ABCDEF", "worst")
    for zone in found["zones"]:
        shares = (f"{share:.0%}" if share else "·" for share in zone["level_share"].values())
        table.add_row(_plain(zone["name"]), zone["levels"], *shares, zone["level_worst"])
    return table


def _gates(found: dict[str, Any]) -> Any:
    if not found["gates"]:
        return None
    window = found["parameters"]["window_s"]
    table = _table(
        f"gates: crossings each way; flow of both, persons/min, mean and highest over {window:g} s",
        "gate", "forward", "passed", "back", "mean", "highest", "per m", "level", "certain", "table",
    )  # fmt: skip
    for gate in found["gates"]:
        table.add_row(
            _plain(gate["name"]),
            _plain(f"{gate['from']} → {gate['to']}"),
            f"{gate['forward']}",
            f"{gate['back']}",
            f"{gate['flow_mean_per_min']:.1f}",
            _figure(gate["flow_most_per_min"], ".0f"),
            _figure(gate["flow_most_per_m_min"], ".0f"),
            gate["level_worst"] or "–",
            "–" if gate["certain"] is None else "yes" if gate["certain"] else "no: may be F",
            gate["levels"],
        )
    return table


def _left_out(left: dict[str, int]) -> list[str]:
    why = {
        "unknown": "are no numbers: left out",
        "outside": "lie outside the walkable area: left out",
        "no_cell": "have no cell: left out",
        "twins": "are at one point with others: they share a cell",
        "jumped": "belong to a track that jumps: no speed there",
    }
    lines = [f"{left[name]:,} of {left['positions']:,} positions {told}" for name, told in why.items() if left[name]]
    if left["outside"] > _MANY * left["positions"]:
        lines.append(
            "  so many: is the walkable area all that was seen? If so, check origin, bearing_deg and which axis is which"
        )
    return lines or [f"all {left['positions']:,} positions were measured"]


def _indicators(found: dict[str, Any]) -> list[str]:
    lines = []
    for one in found["indicators"]:
        at = "" if one["x_m"] is None else f" at x {one['x_m']:.1f} m, y {one['y_m']:.1f} m"
        of = f"known in {one['windows_known']} of {one['windows']} windows"
        if one["value"] is None:
            told = f"not known: {one['why_not']}"
        else:
            told = f"{one['value']:.3g} {one['unit']} from {one['start_s']:g} s on{at}, {of}"
        lines += [f"{one['name']}: {told}; {one['label']}", f"  {one['formula']}", f"  {', '.join(one['parameters'])}"]
        if one["threshold"] is not None:
            lines[-1] += f"; threshold {one['threshold']:g} {one['unit']}, which depends on these"
        lines.append(f"  {one['source']}")
    return lines


def _distancing(told: dict[str, Any]) -> list[str]:
    exposure = ", ".join(f"{each['people']} from {each['from_s']:g} s" for each in told["exposure"])
    return [
        f"{told['contacts']} contacts closer than {told['contact_m']:g} m for {told['contact_s']:g} s or more, "
        f"{_figure(told['contacts_per_person_minute'], '.2f')} a person-minute",
        f"too close to strangers: {_figure(told['share_too_close'], '.0%')} of {told['people']} people; "
        f"in a group: {_figure(told['share_in_groups'], '.0%')}",
        f"people by time too close, summed over strangers: {exposure}",
    ]


def _figure(value: float | None, spec: str) -> str:
    return "–" if value is None else format(value, spec)


def _plain(name: str) -> str:
    """A name of a lab as it is, also where it holds brackets."""
    from rich.markup import escape

    return escape(name)
