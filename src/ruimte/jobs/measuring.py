"""From a file of tracks to figures: reading it, finding where it is measured, measuring, and what may be told of distances."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from ruimte.clock import SECOND_US
from ruimte.compiled import never_before
from ruimte.errors import RuimteError
from ruimte.intake.tracks import Recording, read_tracks
from ruimte.intake.tracks.content import read_content
from ruimte.intake.tracks.read import told_format
from ruimte.jobs.track_scene import Stage, ground_of, stage_of
from ruimte.lab.distancing import DISTANCING, require_distancing
from ruimte.lab.lab import Lab
from ruimte.tracks.area import walkable_area
from ruimte.tracks.distancing import Distances, Distancing, Rule, live_rule
from ruimte.tracks.figures import Figures, Scene, measure
from ruimte.tracks.frames import Frames, frames_of
from ruimte.tracks.gates import gates_of
from ruimte.tracks.motion import motion
from ruimte.tracks.profiles import grid_over
from ruimte.tracks.service import Levels, of_density, of_flow
from ruimte.tracks.worst import Worst, worst_windows
from ruimte.tracks.zones import zones_of

Progress = Callable[[float], None]

_STEP_S = 0.2
"""Speed is told over so long to each side, unless somebody asks for another number of frames."""
_SLOWEST_HZ = 0.5
"""With fewer frames a second people cannot be followed."""
_PICTURES = "axis-scene"
"""The format that tells places in a camera's picture."""
_BLOCK = 2_000
"""Frames at once that distances are watched in."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a person says of a file: see ``read_tracks``."""

    format: str | None = None
    unit: str | None = None
    rate_hz: float | None = None
    mapping: Path | None = None
    homography: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True)
class Choices:
    """How is measured. ``cut_off_m`` None: cells reach as far as the walls. ``step``: frames to each side over which speed is
    told; None: about 0.2 s. ``square_m``: side of the squares of the map; None: as small as is quick."""

    cut_off_m: float | None = 0.8
    step: int | None = None
    window_s: float = 10.0
    every_s: float = 1.0
    square_m: float | None = None
    distancing: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """A recording as it was measured. ``step`` is the one that was taken. ``zone_levels``, ``gate_levels``: by time and zone
    or gate; ``distances`` where that was asked and allowed."""

    file: Path
    recording: Recording
    stage: Stage
    choices: Choices
    step: int
    figures: Figures
    zone_levels: tuple[Levels, ...]
    gate_levels: tuple[Levels, ...]
    worst: tuple[Worst, ...]
    distances: Distances | None


def read_recording(file: Path, reading: Reading, lab: Lab | None, device: str | None) -> Recording:
    """The recording in a file; a camera's picture is put on the ground as the lab's device tells, unless it was said how.

    Raises ``RuimteError`` for a file that cannot be read or followed, or a device that is not there.
    """
    homography = reading.homography
    if homography is None and lab is not None and _is_of_pictures(file, reading, lab):
        ground = ground_of(lab, device)
        homography = None if ground is None or ground.homography is None else np.asarray(ground.homography, dtype=np.float64)
    recording = read_tracks(
        file,
        format=reading.format,
        unit=reading.unit,
        rate_hz=reading.rate_hz,
        mapping=reading.mapping,
        homography=homography,
    )
    if not (np.isfinite(recording.frames.x_m) & np.isfinite(recording.frames.y_m)).any():
        raise RuimteError("no position in it is known", str(file), "give a recording with positions in numbers")
    if recording.frames.rate_hz < _SLOWEST_HZ:
        rate = f"{recording.frames.rate_hz:g} frames a second are too few to follow people"
        raise RuimteError(rate, str(file), f"give a recording of {_SLOWEST_HZ:g} or more, or its true --rate")
    return recording


def _is_of_pictures(file: Path, reading: Reading, lab: Lab) -> bool:
    """Whether a file may need what a device of the lab tells of its camera's picture."""
    if reading.mapping is not None or all(each.ground is None or each.ground.homography is None for each in lab.devices.values()):
        return False
    return (reading.format or told_format(read_content(file), str(file))) == _PICTURES


def measure_recording(
    file: Path,
    recording: Recording,
    choices: Choices,
    *,
    lab: Lab | None = None,
    device: str | None = None,
    now_us: int,
    progress: Progress = lambda share: None,
) -> Told:
    """Measure a recording of ``file``.

    Raises ``RuimteError`` where unit, rate or ground cannot be right, where a choice makes no sense, and where physical
    distancing is asked for that the lab's register does not allow now, or at the time of the recording where it is told.
    """
    if choices.distancing:
        _require_distancing(recording, lab, now_us)
    stage = stage_of(recording, str(file), lab, device, choices.square_m)
    frames, scene = recording.frames, stage.scene
    step = choices.step if choices.step is not None else max(round(_STEP_S * frames.rate_hz), 1)
    moves = motion(frames, step)
    try:
        figures = measure(
            frames,
            moves,
            scene,
            cut_off_m=choices.cut_off_m,
            window_s=choices.window_s,
            every_s=choices.every_s,
            progress=lambda share: progress(0.6 * share),
        )
    except RuimteError as error:
        if error.where != "tracks":
            raise
        raise RuimteError(error.what, str(file), f"{error.mend} (--unit; its positions were read as {recording.unit})") from None
    worst = worst_windows(frames, moves, scene.area, progress=lambda share: progress(0.6 + 0.3 * share))
    distances = _distances(frames, stage, lab, lambda share: progress(0.9 + 0.1 * share)) if choices.distancing else None
    passing, series = figures.passing, figures.series
    zones = tuple(of_density(series.voronoi[:, at], zone.levels) for at, zone in enumerate(stage.zones))
    gates = tuple(
        of_flow(60 * (passing.forward_s + passing.back_s)[:, at] / gate.width_m, gate.levels, density=passing.density[:, at])
        for at, gate in enumerate(stage.gates)
    )
    return Told(file, recording, stage, choices, step, figures, zones, gates, worst, distances)


def is_cold() -> bool:
    """Whether the first recording on this machine would wait for the compiler, a minute or two."""
    return never_before("meter._measure-*")


def warm_up() -> None:
    """Compile what a first recording waits for; it is kept on the disk."""
    frames = frames_of([1, 2] * 30, np.repeat(np.arange(30), 2), np.linspace(1, 3, 60), [1.0, 2.0] * 30, rate_hz=1.0)
    area = walkable_area([(0, 0), (4, 0), (4, 4), (0, 4)])
    scene = Scene(area, zones_of({"all": area.polygon}), gates_of({"gate": [(2, 0), (2, 4)]}), grid_over(area, 1.0))
    moves = motion(frames, 1)
    measure(frames, moves, scene)
    worst_windows(frames, moves, area)


def start_us(recording: Recording) -> int | None:
    """The moment of the first frame, where the file tells one."""
    if recording.start_us is None:
        return None
    return recording.start_us + round(recording.frames.first / recording.frames.rate_hz * SECOND_US)


def _require_distancing(recording: Recording, lab: Lab | None, now_us: int) -> None:
    """Raises ``RuimteError`` unless the lab's register allows it now, and from the recording's start to its end.

    Now too: an entry that is over is no ground to look at old recordings, whose time is what their file says it is."""
    entry, zone = (None, ZoneInfo("UTC")) if lab is None else (lab.algorithms.get(DISTANCING), lab.zone)
    begin_us = start_us(recording)
    spans: tuple[int, ...] = (now_us,)
    if begin_us is not None:
        spans = (now_us, begin_us, begin_us + round(len(recording.frames) / recording.frames.rate_hz * SECOND_US))
    for at_us in spans:
        require_distancing(entry, zone, at_us)


def _distances(frames: Frames, stage: Stage, lab: Lab | None, progress: Progress) -> Distances:
    """Distances, by the rule that the node of the lab goes by where the lab sets how far people should be apart."""
    apart_m = None if lab is None else lab.file.distancing.distance_m
    watch = Distancing(frames.rate_hz, Rule() if apart_m is None else live_rule(apart_m), stage.scene.area)
    for begin in range(0, len(frames), _BLOCK):
        end = min(begin + _BLOCK, len(frames))
        watch.batch(frames.between(begin, end))
        progress(end / len(frames))
    return watch.finish()
