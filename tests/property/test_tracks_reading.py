"""Whatever a file holds, reading it gives a recording or one clear error; and what was written is what is read."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from track_files import write_jupedsim

from ruimte.errors import RuimteError
from ruimte.intake.tracks import Recording, juelich_hdf5, read_tracks
from ruimte.intake.tracks.read import FORMATS
from ruimte.intake.tracks.steps import stepped

ROWS = [(0, 1, 0.5, 1.0), (1, 1, 0.6, 1.0), (1, 2, 7.0, 4.0)]
TEXT = "# framerate: 25 fps\n# id frame x/m y/m\n1 0 0.5 1.0\n1 1 0.6 1.0\n2 1 7.0 4.0\n"
TABLE = "id,frame,x/m,y/m,class\na,0,0.5,1.0,person\na,1,0.6,1.0,person\nb,1,7.0,4.0,dog\n"
GLOBE = "id,time,lon,lat\n" + "".join(f"1,2026-04-27T12:00:0{at}Z,4.9,52.{at}\n" for at in range(4))
SENSOR = {"serial_number": "80:1F:12:00:00:01"}
XOVIS = [
    {"live_data": {"sensor_info": SENSOR, "frames": [{"time": 1_777_291_200_000 + 80 * at, "tracked_objects": [person]}]}}
    for at in range(4)
    for person in [{"track_id": 9, "type": "PERSON", "position": [at, 1]}]
]
BOX = {"left": 0.4, "right": 0.5, "top": 0.2, "bottom": 0.6}
HUMAN = {"bounding_box": BOX, "class": {"type": "Human"}, "object_track_id": "a"}
AXIS = [{"channel_id": 1, "timestamp": f"2026-04-27T12:00:00.{at}Z", "detections": [HUMAN]} for at in range(4)]


def seeds() -> dict[str, bytes]:
    """A whole file of each format."""
    with TemporaryDirectory() as folder:
        at = Path(folder)
        pq.write_table(pa.table({"id": ["a", "a"], "frame": [0, 1], "x/m": [0.5, 0.6], "y/m": [1.0, 1.0]}), at / "walk.parquet")
        return {
            "juelich-text": TEXT.encode(),
            "gzip": gzip.compress(TEXT.encode()),
            "table": TABLE.encode(),
            "parquet": (at / "walk.parquet").read_bytes(),
            "vinotion-gps": GLOBE.encode(),
            "xovis": "\n".join(map(json.dumps, XOVIS)).encode(),
            "axis-scene": json.dumps(AXIS).encode(),
            "jupedsim": write_jupedsim(at / "walk.sqlite", ROWS).read_bytes(),
        }


SEEDS = seeds()
PIECES = [b"nan", b"-1", b"1e400", b"\0", b"\xff", b'"', b"\n", b",", b" ", b"9" * 30, b"{", b"[", b"null", b"#", b"\r", b"inf"]
NEEDS: dict[str, dict[str, Any]] = {"table": {"rate_hz": 10}, "parquet": {"rate_hz": 10}, "axis-scene": {"homography": np.eye(3)}}
"""What has to be said of a whole file."""


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """A file of which bytes were changed, put in, taken out, repeated or cut off."""
    content = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(content)))
        match draw(st.sampled_from(["change", "insert", "remove", "repeat", "cut"])):
            case "change" if place < len(content):
                content[place] = draw(st.integers(0, 255))
            case "insert":
                content[place:place] = draw(st.sampled_from(PIECES))
            case "remove":
                del content[place : place + draw(st.integers(1, 20))]
            case "repeat":
                content[place:place] = content[: draw(st.integers(1, 60))]
            case "cut":
                del content[place:]
    return bytes(content)


def read(content: bytes, **asked: Any) -> Recording | RuimteError:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "walk"
        path.write_bytes(content)
        try:
            return read_tracks(path, **asked)
        except RuimteError as error:
            return error


ASKED = st.fixed_dictionaries({}, optional={"rate_hz": st.sampled_from([10, 12.5, 25]), "unit": st.sampled_from(["m", "cm"])})


@pytest.mark.parametrize("name", SEEDS)
def test_the_seeds_are_whole(name: str) -> None:
    found = read(SEEDS[name], **NEEDS.get(name, {}))
    assert isinstance(found, Recording), found


@given(st.data(), st.sampled_from(sorted(SEEDS)), ASKED, st.booleans())
@settings(max_examples=300, deadline=None)
def test_a_damaged_file_is_read_or_refused(data: st.DataObject, name: str, asked: dict[str, Any], with_format: bool) -> None:
    content = data.draw(damaged(SEEDS[name]))
    if with_format and name in FORMATS:
        asked = asked | {"format": name}
    found = read(content, **asked | ({"homography": np.eye(3)} if name == "axis-scene" else {}))
    if isinstance(found, Recording):
        assert len(found.frames.x_m) > 0
    else:
        assert found.mend


@given(st.binary(max_size=300), st.sampled_from(sorted(set(FORMATS) - {"juelich-hdf5"})), ASKED)
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_read_or_refused(content: bytes, name: str, asked: dict[str, Any]) -> None:
    for format_name in (None, name):
        assert isinstance(read(content, format=format_name, **asked), Recording | RuimteError)


@given(st.data())
@settings(max_examples=5, deadline=None)
def test_damaged_hdf5_is_read_or_refused(data: st.DataObject) -> None:
    h5py = pytest.importorskip("h5py", reason="the extra tracks is not installed")
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        patched.setattr(juelich_hdf5, "PATIENCE_S", 5.0)
        columns = [("id", "<i8"), ("frame", "<i8"), ("x", "<f8"), ("y", "<f8")]
        with h5py.File(Path(folder) / "walk.h5", "w") as file:
            file["trajectory"] = np.array([(who, at, x, y) for at, who, x, y in ROWS], dtype=columns)
            file["trajectory"].attrs["fps"] = 25.0
        content = data.draw(damaged((Path(folder) / "walk.h5").read_bytes()))
        assert isinstance(read(content, format="juelich-hdf5", unit="m"), Recording | RuimteError)


PLACE = st.floats(-1e6, 1e6, allow_nan=False)


@given(
    st.dictionaries(st.tuples(st.integers(0, 9), st.integers(0, 30)), st.tuples(PLACE, PLACE), min_size=1, max_size=40),
    st.sampled_from(["m", "cm"]),
    st.sampled_from([" ", "\t", "  "]),
)
@settings(max_examples=100, deadline=None)
def test_text_is_read_as_it_was_written(walk: dict[tuple[int, int], tuple[float, float]], unit: str, blank: str) -> None:
    rows = "".join(blank.join([str(who), str(at), repr(x), repr(y)]) + "\n" for (who, at), (x, y) in walk.items())
    found = read(f"# framerate: 16\n# id frame x/{unit} y/{unit}\n{rows}".encode())
    if isinstance(found, RuimteError):
        assert "frames only" in found.what  # few people, seen in few of the frames
        return
    frames = found.frames
    read_back = zip(frames.person.tolist(), frames.frame.tolist(), frames.x_m.tolist(), frames.y_m.tolist(), strict=True)
    scale = 100 if unit == "cm" else 1
    assert {(who, at): (x, y) for who, at, x, y in read_back} == {key: (x / scale, y / scale) for key, (x, y) in walk.items()}


@given(st.lists(st.integers(1, 15), min_size=50, max_size=100), st.sampled_from([1.0, 5.0, 12.5, 15.0, 25.0, 29.97]))
@settings(max_examples=50, deadline=None)
def test_times_rounded_to_milliseconds_find_their_frames(holes: list[int], rate_hz: float) -> None:
    number = np.cumsum([0] + [1] * 100 + holes)
    time_us = np.round(number / rate_hz * 1000).astype(np.int64)[::-1] * 1000
    kept, asked = stepped(time_us, None, "walk"), stepped(time_us, rate_hz, "walk")
    assert kept.rate_hz == pytest.approx(rate_hz, rel=1e-3)
    assert kept.frame.tolist() == number[::-1].tolist()
    assert asked.frame.tolist() == number[::-1].tolist()


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_a_damaged_mapping_is_read_or_refused(data: st.DataObject) -> None:
    whole = b'id = "id"\nframe = "frame"\nrate_hz = 10\nx = "x/m"\ny = "y/m"\nkind = "class"\npeople = ["person"]\n'
    with TemporaryDirectory() as folder:
        path = Path(folder) / "mapping.toml"
        path.write_bytes(data.draw(damaged(whole)))
        found = read(TABLE.encode(), mapping=path)
    assert isinstance(found, Recording | RuimteError)
