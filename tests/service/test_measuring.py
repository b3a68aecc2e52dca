"""``ruimte tracks``: from a file to a table, tables in files and a picture; nothing of a single person in any of them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from shapely.geometry import LineString

from ruimte.cli import main
from ruimte.cli_tracks import tracks as command
from ruimte.intake.tracks.read import FORMATS
from ruimte.lab.read import read_lab
from ruimte.tracks.area import walkable_area
from ruimte.tracks.flow import crossings, cumulative
from ruimte.tracks.frames import frames_of
from ruimte.tracks.gates import gates_of
from ruimte.tracks.meter import Meter
from ruimte.tracks.zones import zones_of
from track_lab import ALGORITHM, PLANE, feature, on_map
from track_walkers import payload
from walkers import BEFORE, DOOR, RATE_HZ, ROOM, VIEW, WALLS, walk_lab, walk_out, write_walk

Run = Callable[..., Result]
ODD = 900_000_000
"""Ids of tracks in the file begin here, so that they can be looked for in what is written."""


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recording and the lab of its place."""
    folder = tmp_path_factory.mktemp("walk")
    walk_lab(folder / "lab")
    lines = write_walk(folder / "walk.txt").read_text().splitlines()
    rows = [line.split() for line in lines if not line.startswith("#")]
    more = [" ".join([str(ODD + int(who)), *rest]) for who, *rest in rows]
    (folder / "walk.txt").write_text("\n".join([line for line in lines if line.startswith("#")] + more))
    return folder


@pytest.fixture
def ruimte(walk: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs ``ruimte tracks`` in that folder."""
    monkeypatch.chdir(walk)
    return lambda *arguments: CliRunner().invoke(main, ["tracks", *(str(argument) for argument in arguments)])


def told(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def refused(result: Result, *parts: str) -> None:
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("ruimte: ")
    assert "; " in line, "no mend"
    for part in parts:
        assert part in line


def test_a_lab_tells_what_is_measured(ruimte: Run, tmp_path: Path) -> None:
    found = told(ruimte("walk.txt", "--lab", "lab", "--json", "--out", tmp_path / "out"))
    person, frame, x, y = walk_out()
    frames = frames_of(person, frame, np.round(x, 3), np.round(y, 3), RATE_HZ)
    (zone,), (gate,) = found["zones"], found["gates"]
    assert (zone["zone"], gate["gate"], gate["from"], gate["to"]) == ("hall", "door", "hall", "outside")
    assert zone["area_m2"] == pytest.approx(12.0, rel=1e-6)
    assert gate["width_m"] == pytest.approx(1.2, rel=1e-6)
    assert (gate["forward"], gate["back"], gate["people"]) == (80, 0, 80)
    assert found["tracks"] == 80
    assert found["left_out"] == {
        "positions": len(x), "unknown": 0, "outside": 0, "no_cell": 0, "twins": 0, "jumped": 0,
    }  # fmt: skip
    assert sum(zone["level_share"].values()) == pytest.approx(1.0)
    assert zone["level_worst"] == "F"
    assert (gate["level_worst"], gate["certain"]) == ("F", True), "a jam at the door, whatever passes"
    assert [each["name"] for each in found["indicators"]] == [
        "crowd pressure", "congestion level", "crowd danger", "collective oscillation",
    ]  # fmt: skip
    assert {each["label"] for each in found["indicators"]} == {"indicator, not validated as a predictor"}

    reading = Meter(walkable_area(VIEW, WALLS), zones_of({"z": BEFORE}), cut_off_m=0.8).batch(frames)
    figures = pq.read_table(tmp_path / "out" / "figures.parquet").to_pydict()
    seconds = len(frames) // 10
    expected = reading.voronoi[: 10 * seconds].reshape(seconds, 10).mean(axis=1)
    assert figures["density_voronoi"][:seconds] == pytest.approx(expected, rel=1e-5)
    assert max(figures["people_most"]) == zone["people_most"] == round(float(reading.classic.max() * 12))
    passed = cumulative(frames, crossings(frames, door := gates_of({"d": DOOR[::-1]})), door, 1)[9::10, 0]
    gates = pq.read_table(tmp_path / "out" / "gates.parquet").to_pydict()
    assert gates["forward"][: len(passed)] == passed.tolist()
    assert max(each for each in gates["flow_forward_per_s"] if each is not None) == gate["flow_most_per_min"] / 60
    squares = pq.read_table(tmp_path / "out" / "map.parquet").to_pydict()
    on_map = np.array([squares["longitude"], squares["latitude"]]).T
    np.testing.assert_allclose(on_map, PLANE.degrees(squares["x_m"], squares["y_m"]), atol=1e-9)
    mean = float(np.mean([len(np.unique(person[frame == each])) for each in range(len(frames))]))
    assert sum(squares["density_mean"]) * found["parameters"]["square_m"] ** 2 == pytest.approx(mean, rel=0.02)
    diagram = pq.read_table(tmp_path / "out" / "diagram.parquet").to_pydict()
    assert set(diagram["zone"]) == {"hall", None}


def test_no_file_and_no_word_tells_of_a_single_track(ruimte: Run, tmp_path: Path) -> None:
    printed = ruimte("walk.txt", "--lab", "lab", "--out", tmp_path / "out")
    as_json = ruimte("walk.txt", "--lab", "lab", "--json")
    person = re.compile(rb"9000000\d\d|90000000\d")
    for text in (printed.output, as_json.output, (tmp_path / "out" / "tracks.svg").read_text()):
        assert not person.search(text.encode())
    for file in (tmp_path / "out").glob("*.parquet"):
        table = pq.read_table(file)
        assert not person.search(json.dumps(table.to_pydict(), default=str).encode())
        assert not {"person", "id", "track"} & set(table.column_names)
    assert {each.name for each in (tmp_path / "out").iterdir()} == {
        "figures.parquet", "gates.parquet", "map.parquet", "diagram.parquet", "tracks.png", "tracks.svg",
    }  # fmt: skip
    assert (tmp_path / "out" / "tracks.png").read_bytes().startswith(b"\x89PNG")


def test_the_table_is_for_people(ruimte: Run) -> None:
    printed = ruimte("walk.txt", "--lab", "lab").stdout
    assert re.search(r"Hall +12\.0 ", printed)
    assert re.search(r"door +hall → outside +80 +0 ", printed)
    assert "fruin-walkway-flow" in printed
    assert "indicator, not validated as a predictor" in printed
    assert "least density 4 persons/m²" in printed
    assert "note: not in view: square, street" in printed
    assert "…" not in printed, "a column was cut off"


def test_the_same_recording_gives_the_same_files(ruimte: Run, tmp_path: Path) -> None:
    for name in ("one", "other"):
        assert ruimte("walk.txt", "--lab", "lab", "--out", tmp_path / name).exit_code == 0
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "other" / file.name).read_bytes(), file.name


def test_without_a_lab_all_is_one_zone(ruimte: Run) -> None:
    found = told(ruimte("walk.txt", "--json"))
    assert [each["zone"] for each in found["zones"]] == ["all"]
    assert found["gates"] == []
    assert any("hull of all positions" in note for note in found["notes"])
    assert found["walkable_m2"] < walkable_area(ROOM).area_m2 + 0.5 * 40 + 1


def test_choices_reach_the_kernels(ruimte: Run) -> None:
    plain = told(ruimte("walk.txt", "--lab", "lab", "--json"))
    other = told(
        ruimte("walk.txt", "--lab", "lab", "--json", "--cut-off", 0, "--step", 5, "--window", 20, "--every", 5, "--square", 1)
    )
    assert (
        other["parameters"] | {"cut_off_m": None, "step_frames": 5, "window_s": 20.0, "every_s": 5.0, "square_m": 1.0}
        == (other["parameters"])
    )
    assert plain["parameters"]["step_frames"] == 2
    assert plain["parameters"]["cut_off_m"] == 0.8
    assert other["zones"][0]["density_median"] != plain["zones"][0]["density_median"]
    assert other["zones"][0]["speed_m_s"] < plain["zones"][0]["speed_m_s"] + 0.2
    assert other["gates"][0]["flow_most_per_min"] <= plain["gates"][0]["flow_most_per_min"]


def test_names_are_drawn_and_printed_as_they_are(ruimte: Run, walk: Path, tmp_path: Path) -> None:
    """Also names that a formula, or a colour of the terminal, could be made of."""
    folder = walk_lab(tmp_path / "odd")
    places = folder / "places.geojson"
    places.write_text(places.read_text().replace('"en": "Hall"', '"en": "$\\\\frac$ [/red] <b>"'))
    places.write_text(places.read_text().replace('"name": "door"', '"name": "The door that leads out of the hall to the street"'))
    file = tmp_path / "[bold] $x_1$ {}.txt"
    file.write_bytes((walk / "walk.txt").read_bytes())
    result = ruimte(file, "--lab", folder, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert str(file) in result.stdout
    assert r"$\frac$ [/red] <b>" in result.stdout
    assert re.search("The door that leads out of the hall to the street.*fruin-walkway-flow", result.stdout), "cut off"
    assert "[bold] $x_1$ {}.txt: 51 s" in (tmp_path / "out" / "tracks.svg").read_text()


def test_a_lab_of_many_places_is_drawn(ruimte: Run, walk: Path, tmp_path: Path) -> None:
    """More zones and gates than there is room for, and people who go both ways."""
    folder = walk_lab(tmp_path / "many")
    places = folder / "places.geojson"
    collection = json.loads(places.read_text(encoding="utf-8"))
    for number in range(6):
        x, y = 0.2 + 2 * (number % 2), 0.2 + 1.8 * (number // 2)
        shape = on_map([(x, y), (x + 1.8, y), (x + 1.8, y + 1.6), (x, y + 1.6)])
        collection["features"].append(feature(f"z{number}", "zone", shape, name=f"Part {number}"))
    for number in range(3):
        line = LineString(PLANE.degrees([4.5 + number / 5] * 2, [0.5, 5.5]))
        collection["features"].append(
            feature(f"g{number}", "gate", line, name=f"Line {number}", to="hall", **{"from": f"z{number}"})
        )
    places.write_text(json.dumps(collection), encoding="utf-8")
    found = told(ruimte("walk.txt", "--lab", folder, "--json", "--out", tmp_path / "out"))
    assert len(found["zones"]) == 7
    assert len(found["gates"]) == 4
    drawn = (tmp_path / "out" / "tracks.svg").read_text()
    assert "2 gates more in gates.parquet" in drawn
    keys = pq.read_table(tmp_path / "out" / "gates.parquet")["gate"].to_pylist()
    assert list(dict.fromkeys(keys)) == [gate["gate"] for gate in found["gates"]]


def test_a_short_recording_has_no_flow_over_the_window(ruimte: Run, tmp_path: Path) -> None:
    person, frame, x, y = walk_out(seconds=6)
    rows = [f"{who} {when} {a} {b}" for who, when, a, b in zip(person, frame, x, y, strict=True)]
    (tmp_path / "short.txt").write_text("\n".join(["# framerate: 10", "# id frame x/m y/m", *rows]))
    found = told(ruimte(tmp_path / "short.txt", "--lab", "lab", "--json", "--out", tmp_path / "out"))
    (gate,) = found["gates"]
    assert gate["flow_most_per_min"] is None
    assert gate["level_worst"] is None
    assert gate["flow_mean_per_min"] > 0
    assert any("flow over 10 s is not known" in note for note in found["notes"])
    assert "–" in ruimte(tmp_path / "short.txt", "--lab", "lab").stdout


def test_gps_tracks_lie_on_the_map_by_themselves(ruimte: Run, tmp_path: Path) -> None:
    person, frame, x, y = walk_out(seconds=20)
    start = datetime(2026, 6, 5, 20, 0, tzinfo=UTC)
    lines = ["id,time,longitude,latitude"]
    for who, when, (longitude, latitude) in zip(person, frame, PLANE.degrees(x, y), strict=True):
        lines.append(f"{who},{(start + timedelta(seconds=float(when) / 10)).isoformat()},{longitude:.9f},{latitude:.9f}")
    (tmp_path / "gps.csv").write_text("\n".join(lines))
    by_map = told(
        ruimte(tmp_path / "gps.csv", "--format", "vinotion-gps", "--rate", 10, "--lab", "lab", "--device", "overhead", "--json")
    )
    rows = [f"{who} {when} {a:.4f} {b:.4f}" for who, when, a, b in zip(person, frame, x, y, strict=True)]
    (tmp_path / "m.txt").write_text("\n".join(["# framerate: 10", "# id frame x/m y/m", *rows]))
    by_device = told(ruimte(tmp_path / "m.txt", "--lab", "lab", "--json"))
    assert by_map["start"] == "2026-06-05T20:00:00Z"
    assert by_map["gates"][0]["forward"] == by_device["gates"][0]["forward"] > 10
    assert by_map["zones"][0]["density_median"] == pytest.approx(by_device["zones"][0]["density_median"], rel=0.01)
    alone = told(
        ruimte(tmp_path / "gps.csv", "--format", "vinotion-gps", "--rate", 10, "--lab", "lab", "--json", "--out", tmp_path / "o")
    )
    assert alone["gates"][0]["forward"] == by_map["gates"][0]["forward"], "the map needs no device"
    begin = pq.read_table(tmp_path / "o" / "figures.parquet")["start"][0].as_py()
    assert begin == start


def test_distances_only_with_the_registers_leave(ruimte: Run, walk: Path, tmp_path: Path) -> None:
    refused(ruimte("walk.txt", "--distancing"), "physical distancing is off", "algorithms.toml")
    refused(ruimte("walk.txt", "--lab", "lab", "--distancing"), "physical distancing is off")
    today = datetime.now(tz=UTC).date()

    def lab_of(name: str, first: int, last: int) -> Path:
        folder = walk_lab(tmp_path / name)
        days = (today + timedelta(days=first), today + timedelta(days=last))
        entry = ALGORITHM.format(key="physical-distancing", basis="Emergency act", valid_from=days[0], valid_until=days[1])
        file = folder / "algorithms.toml"
        file.write_text(file.read_text(encoding="utf-8") + entry, encoding="utf-8")
        read_lab(folder)
        return folder

    found = told(ruimte("walk.txt", "--lab", lab_of("now", -10, 20), "--distancing", "--json", "--out", tmp_path / "out"))
    assert found["distancing"]["people"] == 80
    assert found["distancing"]["contacts"] > 0
    assert pq.read_table(tmp_path / "out" / "distancing.parquet").num_rows == 25
    assert told(ruimte("walk.txt", "--lab", tmp_path / "now", "--json"))["distancing"] is None, "off unless it is asked for"
    assert "Physical distancing" in ruimte("walk.txt", "--lab", tmp_path / "now", "--distancing").stdout
    refused(ruimte("walk.txt", "--lab", lab_of("past", -60, -2), "--distancing"), "holds from")
    then = datetime.now(tz=UTC) - timedelta(days=30)
    times = [round((then + timedelta(seconds=k)).timestamp() * 1e6) for k in range(12)]
    pushes = [payload(time_us, [1, 2], [5.0, 6.0], [3.0, 3.0]) for time_us in times]
    (tmp_path / "then.json").write_bytes(b"\n".join(pushes))
    asked = (tmp_path / "then.json", "--rate", 1, "--distancing", "--lab")
    refused(ruimte(*asked, tmp_path / "past"), "holds from")
    refused(ruimte(*asked, tmp_path / "now"), "holds from")
    assert told(ruimte(*asked, lab_of("both", -40, 20), "--json"))["distancing"]["people"] == 2


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["no.txt"], ["no.txt"]),
        (["walk.txt", "--lab", "nowhere"], ["nowhere"]),
        (["walk.txt", "--lab", "lab", "--device", "camera"], ["no device 'camera'", "overhead"]),
        (["walk.txt", "--lab", "boulevard"], ["no device tells where its tracks lie", "[device.ground]"]),
        (["walk.txt", "--unit", "cm"], ["walk.txt"]),
        (["walk.txt", "--rate", "25"], ["walk.txt"]),
        (["walk.txt", "--square", "0.001"], ["--square", "larger"]),
        (["walk.txt", "--square", "nan"], ["square"]),
        (["walk.txt", "--square", "1e-320"], ["squares of", "larger"]),
        (["walk.txt", "--window", "nan"], ["window"]),
        (["walk.txt", "--every", "0.01"], ["series: an interval"]),
        (["walk.txt", "--cut-off", "0.001"], ["cut-off of 0.001 m", "0.2 m or more"]),
        (["walk.txt", "--step", "1000000000000000000000"], ["--step"]),
        (["walk.txt", "--window", "inf"], ["window"]),
        (["astray.txt"], ["km apart", "take these out"]),
        (["walk.txt", "--cut-off", "-2"], ["cut-off"]),
        (["walk.txt", "--step", "1000", "--format", "wrong"], ["wrong"]),
        (["walk.txt", "--homography", "walk.txt"], ["numbers"]),
        (["empty.txt"], ["empty.txt"]),
        (["walk.txt", "--out", "walk.txt"], ["walk.txt"]),
        (["bare.txt", "--unit", "cm", "--rate", "10"], ["persons/m²", "--unit"]),
        (["bare.txt", "--unit", "m", "--rate", "300"], ["faster than anybody can run", "300 frames a second"]),
        (["bare.txt", "--unit", "m", "--rate", "0.2"], ["too few to follow people"]),
        (["far.txt", "--lab", "lab"], ["positions", "are outside view 'seen'", "bearing_deg"]),
        (["nan.txt"], ["nan.txt"]),
    ],
)
def test_each_mistake_is_one_line_with_its_mend(ruimte: Run, walk: Path, arguments: list[str], parts: list[str]) -> None:
    lines = (walk / "walk.txt").read_text().splitlines()[2:]
    (walk / "empty.txt").write_text("")
    (walk / "bare.txt").write_text("\n".join(lines))
    far = [" ".join([who, when, f"{float(x) + 500}", y]) for who, when, x, y in map(str.split, lines)]
    (walk / "far.txt").write_text("\n".join(["# framerate: 10", "# id frame x/m y/m", *far]))
    (walk / "astray.txt").write_text("\n".join(["# framerate: 10", "# id frame x/m y/m", "7777 0 1e308 -1e308", *lines]))
    (walk / "nan.txt").write_text("# framerate: 10\n# id frame x/m y/m\n1 0 nan nan\n")
    refused(ruimte(*arguments), *parts)


def test_many_positions_outside_are_asked_about(ruimte: Run, walk: Path) -> None:
    lines = (walk / "walk.txt").read_text().splitlines()
    moved = [" ".join([who, when, f"{float(x) + 4}", y]) for who, when, x, y in map(str.split, lines[2:])]
    (walk / "moved.txt").write_text("\n".join([*lines[:2], *moved]))
    assert "so many: is the walkable area all that was seen?" in ruimte("moved.txt", "--lab", "lab").stdout
    assert "so many" not in ruimte("walk.txt", "--lab", "lab").stdout


def test_a_device_goes_with_a_lab(ruimte: Run) -> None:
    assert ruimte("walk.txt", "--device", "overhead").exit_code == 2


@pytest.mark.fault
@pytest.mark.skipif(sys.platform == "win32", reason="no limits on the size of files on this system")
def test_a_full_disk_is_told_in_one_line(walk: Path, tmp_path: Path) -> None:
    code = (
        "import resource, sys; from ruimte.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))\n"
        "main(sys.argv[1:])"
    )
    line = [sys.executable, "-c", code, "tracks", str(walk / "walk.txt"), "--out", str(tmp_path / "out")]
    done = subprocess.run(
        line, capture_output=True, text=True, timeout=300, check=False, env=os.environ | {"MPLCONFIGDIR": str(tmp_path)}
    )
    assert done.returncode == 1
    (last,) = [each for each in done.stderr.splitlines() if each.startswith("ruimte: ")]
    assert "cannot be written" in last
    assert "Traceback" not in done.stderr
    assert not [each for each in (tmp_path / "out").iterdir() if each.stat().st_size >= 20_000 or each.suffix == ".part"]


def test_the_help_names_every_format() -> None:
    option = next(each for each in command.params if each.name == "format_")
    assert all(name in str(option.help) for name in FORMATS)  # type: ignore[attr-defined]


@pytest.mark.data
def test_the_bottleneck_of_a_laboratory(ruimte: Run, shared_data: Path) -> None:
    """75 people leave a room by a bottleneck: known from the experiment."""
    found = told(ruimte(shared_data / "juelich_trajectories" / "040_c_56_h-.txt.gz", "--unit", "m", "--json"))
    assert (found["tracks"], found["frames"], found["zones"][0]["people_most"]) == (75, 1657, 75)
    assert found["indicators"][0]["value"] == pytest.approx(0.2, abs=0.05), "as docs/tracks.md tells"
    assert found["left_out"]["outside"] == 0


@pytest.mark.data
def test_the_walls_that_a_file_holds_are_those_that_are_measured(ruimte: Run, shared_data: Path) -> None:
    pytest.importorskip("h5py", reason="the extra tracks is not installed")
    found = told(ruimte(shared_data / "juelich_trajectories" / "00_01a.h5", "--json"))
    assert found["walkable"] == "the walkable area of the file"
    assert not any("hull" in note for note in found["notes"])


@pytest.mark.data
def test_centimetres_and_a_crowd_in_the_street(ruimte: Run, shared_data: Path) -> None:
    corridor = told(ruimte(shared_data / "juelich_trajectories" / "bi_corr_400_b_03.txt.gz", "--json"))
    assert corridor["parameters"]["unit"] == "cm"
    assert corridor["tracks"] == 480
    assert 0.5 < corridor["zones"][0]["speed_m_s"] < 1.5
    street = told(ruimte(shared_data / "lyon_trajectories" / "Topview_1A.parquet", "--rate", 10, "--json"))
    assert 0.3 < street["zones"][0]["density_median"] < 1.5
    bare = shared_data / "juelich_trajectories" / "uo-050-180-180.txt.gz"
    refused(ruimte(bare), "--rate")
    refused(ruimte(bare, "--rate", 16), "--unit")
