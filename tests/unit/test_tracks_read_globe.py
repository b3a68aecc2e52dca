"""Tracks by longitude and latitude become metres around their middle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from shapely.geometry import Point
from track_files import refused, write

from ruimte.clock import iso
from ruimte.intake.tracks import read_tracks
from ruimte.lab.geometry import flattened

NAMES = "track_id,timestamp,longitude,latitude,class"


def rows(names: str = NAMES, *, far: bool = False) -> str:
    """A person who walks north-east, a second one, and a bicycle; five positions a second."""
    lines = []
    for at in range(5):
        time = f"2026-04-27T14:00:00.{2 * at}+02:00"
        lines += [f"17,{time},{4.9 + 1e-5 * at:.6f},{52.37 + 1e-5 * at:.6f},pedestrian", f"18,{time},4.9005,52.3702,person"]
        lines += [f"19,{time},4.95,52.4,bicycle"]
    lines += [f"20,2026-04-27T14:00:00.4+02:00,{'0,0' if far else '4.9,52.37'},person"]
    return names + "\n" + "\n".join(lines) + "\n"


def test_degrees_become_metres_around_the_middle(tmp_path: Path) -> None:
    read = read_tracks(write(tmp_path, rows(), "walk.csv"))
    assert (read.format, read.unit) == ("vinotion-gps", "degrees")
    assert read.frames.rate_hz == pytest.approx(5)
    assert read.start_us is not None
    assert iso(read.start_us) == "2026-04-27T12:00:00Z"
    assert read.origin is not None
    assert read.notes == ("5 positions of what is no person (by column class) were left out", "its times keep 5 frames a second")
    first = flattened(Point(4.9, 52.37), Point(read.origin))
    assert (read.frames.x_m[0], read.frames.y_m[0]) == (pytest.approx(first.x), pytest.approx(first.y))
    walker = read.frames.person == read.frames.person[0]
    assert np.hypot(np.diff(read.frames.x_m[walker]), np.diff(read.frames.y_m[walker])) == pytest.approx(
        np.full(4, 1.305), rel=1e-2
    )


def test_other_names_and_json_read_the_same(tmp_path: Path) -> None:
    plain = read_tracks(write(tmp_path, rows(), "walk.csv")).frames
    renamed = write(tmp_path, rows("trackId;time;lng;lat;objectType".replace(";", ",")), "renamed.csv")
    assert read_tracks(renamed).frames.x_m.tolist() == plain.x_m.tolist()
    objects = [
        f'{{"id": "{who}", "timestamp": "{time}", "position": {{"lon": {lon}, "lat": {lat}}}, "class": "{kind}"}}'
        for who, time, lon, lat, kind in (line.split(",") for line in rows().splitlines()[1:])
    ]
    for text in ("\n".join(objects), "[" + ",\n".join(objects) + "]"):
        read = read_tracks(write(tmp_path, text, "walk.json"))
        assert read.format == "vinotion-gps"
        assert read.frames.x_m.tolist() == plain.x_m.tolist()
    told = (
        'id = "nr"\ntime = "t"\nlongitude = "lengte"\nlatitude = "breedte"\nkind = "soort"\npeople = ["person", "pedestrian"]\n'
    )
    mapped = read_tracks(
        write(tmp_path, rows("nr,t,lengte,breedte,soort"), "mapped.csv"),
        mapping=write(tmp_path, told, "mapping.toml"),
        format="vinotion-gps",
    )
    assert (mapped.format, mapped.unit) == ("vinotion-gps", "degrees")
    assert mapped.frames.x_m.tolist() == plain.x_m.tolist()


def test_a_receiver_that_tells_nowhere_does_not_move_the_middle(tmp_path: Path) -> None:
    plain, far = (read_tracks(write(tmp_path, rows(far=far), f"{far}.csv")) for far in (False, True))
    assert plain.origin is not None
    assert far.origin == pytest.approx(plain.origin, abs=1e-3)
    assert far.notes[-1] == "1 positions lie more than 10 km from the middle of all"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("52.37", "152.37"), ": longitudes or latitudes are no degrees; name the right columns; they may be swapped"),
        (("4.9005", "east"), ", line 3, column longitude: is not a number; "),
        (("T14:00:00.2+02:00", "T14:00:00.2"), ", line 5, column timestamp: names no offset, where others do; "),
        (("18,2026-04-27T14:00:00.2", "17,2026-04-27T14:00:00.2"), ": the same person is twice in frame 1 (line 5 and line 6); "),
    ],
)
def test_broken_rows_are_told(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    assert refused(write(tmp_path, rows().replace(*change), "walk.csv")).startswith(told)


def test_degrees_are_no_metres(tmp_path: Path) -> None:
    path = write(tmp_path, rows(), "walk.csv")
    assert "tells its positions in degrees, not in m" in refused(path, unit="m")
    assert read_tracks(path, unit="degrees").unit == "degrees"
    plane = write(tmp_path, "id,frame,x,y\n1,0,4.9,52.37\n", "plane.csv")
    assert "x and y are no degrees; name longitude and latitude" in refused(plane, unit="degrees", rate_hz=5)
    assert "no column longitude, latitude" in refused(plane, format="vinotion-gps")
