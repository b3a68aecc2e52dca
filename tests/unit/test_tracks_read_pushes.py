"""Live frames that were recorded are read as the node reads them; a camera's picture needs a homography."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from track_files import refused, write

from ruimte.clock import iso
from ruimte.intake.tracks import read_tracks

BIG = 2**63 + 12345
GROUND = [[8.0, 0.0, 0.0], [0.0, 5.0, 0.0], [0.0, 0.0, 1.0]]
"""A camera that looks straight down on 8 m by 5 m."""


def xovis(at_ms: int, people: list[tuple[int, float, float]], serial: str = "80:1F:12:00:00:01") -> dict[str, Any]:
    objects = [{"track_id": who, "type": "PERSON", "position": [x, y, 1.7]} for who, x, y in people]
    frame = {"framenumber": at_ms, "time": 1_777_291_200_000 + at_ms, "tracked_objects": objects}
    return {"live_data": {"sensor_info": {"serial_number": serial}, "frames": [frame]}}


def axis(at: str, people: list[tuple[str, float, float]]) -> dict[str, Any]:
    detections = [
        {
            "bounding_box": {"left": x - 0.02, "right": x + 0.02, "top": y - 0.1, "bottom": y},
            "class": {"type": "Human", "score": 0.9},
            "object_track_id": who,
        }
        for who, x, y in people
    ]
    return {"channel_id": 1, "timestamp": at, "detections": detections}


WALK = [xovis(80 * at, [(BIG, 1 + 0.1 * at, 2.0), *([(7, 5.0, 4.0)] if at > 1 else [])]) for at in range(5)]


def lines(pushes: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(push) + "\n" for push in pushes)


@pytest.mark.parametrize("text", [lines(WALK), json.dumps(WALK), json.dumps(WALK, indent=2)], ids=["lines", "array", "indented"])
def test_xovis_frames_become_a_recording(tmp_path: Path, text: str) -> None:
    read = read_tracks(write(tmp_path, text, "live.json"))
    assert (read.format, read.unit, read.frames.rate_hz) == ("xovis", "m", 12.5)
    assert read.frames.number.tolist() == [0, 1, 2, 3, 4]
    assert sorted(set(read.frames.person.tolist())) == [0, 1]
    assert read.frames.x_m[read.frames.person == 1] == pytest.approx([1, 1.1, 1.2, 1.3, 1.4])
    assert read.start_us is not None
    assert iso(read.start_us) == "2026-04-27T12:00:00Z"
    assert read.notes == ("its times keep 12.5 frames a second",)


def test_one_push_may_hold_all_frames(tmp_path: Path) -> None:
    whole = WALK[0] | {"live_data": WALK[0]["live_data"] | {"frames": [each["live_data"]["frames"][0] for each in WALK]}}
    assert len(read_tracks(write(tmp_path, json.dumps(whole, indent=1), "live.json")).frames) == 5


def test_an_empty_frame_between_others_is_one_with_nobody(tmp_path: Path) -> None:
    pushes = [*WALK[:2], xovis(160, []), *WALK[3:]]
    assert np.diff(read_tracks(write(tmp_path, lines(pushes), "live.jsonl")).frames.start).tolist() == [1, 1, 0, 2, 2]


def test_frames_that_come_late_or_twice_are_put_right_and_told(tmp_path: Path) -> None:
    plain = read_tracks(write(tmp_path, lines(WALK), "live.jsonl")).frames
    mixed = [WALK[0], WALK[2], WALK[1], WALK[2], WALK[3], WALK[4]]
    read = read_tracks(write(tmp_path, lines(mixed), "mixed.jsonl"))
    assert read.frames.x_m.tolist() == plain.x_m.tolist()
    assert read.notes[1:] == (
        "1 frames came twice, and count once",
        "1 frames came after later ones, and were put in their place",
    )


def test_a_clock_that_went_back_is_refused(tmp_path: Path) -> None:
    again = [*WALK, xovis(160, [(BIG, 6.0, 2.0)]), xovis(240, [(BIG, 6.1, 2.0)])]
    assert refused(write(tmp_path, lines(again), "live.jsonl")).startswith(
        ": the same person is twice in frame 2 (push 3 and push 6); "
    )


def test_times_without_an_offset_leave_open_when_it_was(tmp_path: Path) -> None:
    pushes = [axis(f"2026-04-27T14:00:00.{at}", [("a", 0.5, 0.5)]) for at in range(5)]
    read = read_tracks(write(tmp_path, lines(pushes), "live.jsonl"), homography=GROUND)
    assert (read.start_us, read.frames.rate_hz) == (None, 10)
    assert read.notes[-1] == "its times tell no offset: when it was recorded is not known"


def test_axis_places_are_mapped_to_the_ground(tmp_path: Path) -> None:
    pushes = [axis(f"2026-04-27T12:00:00.{at}Z", [("a", 0.5, 0.4), ("b", 0.25 + 0.01 * at, 0.8)]) for at in range(5)]
    path = write(tmp_path, lines(pushes), "live.jsonl")
    assert refused(path).startswith(": tells places in a picture, not on the ground; give the camera's homography")
    read = read_tracks(path, homography=GROUND)
    assert (read.format, read.unit, read.frames.rate_hz) == ("axis-scene", "m", 10)
    assert np.sort(read.frames.x_m[:2]) == pytest.approx([2.0, 4.0])
    assert np.sort(read.frames.y_m[:2]) == pytest.approx([2.0, 4.0])
    older = write(tmp_path, lines([_older(push) for push in pushes]), "older.jsonl")
    assert read_tracks(older, homography=GROUND).frames.x_m.tolist() == read.frames.x_m.tolist()


def _older(push: dict[str, Any]) -> dict[str, Any]:
    """A frame in the form before version 1."""
    seen = [{**each, "track_id": each["object_track_id"]} for each in push["detections"]]
    observations = [{name: value for name, value in each.items() if name != "object_track_id"} for each in seen]
    return {"frame": {"timestamp": push["timestamp"], "observations": observations}}


def test_above_the_horizon_nobody_is_on_the_ground(tmp_path: Path) -> None:
    tilted = [[4.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, -0.3]]
    pushes = [axis(f"2026-04-27T12:00:00.{at}Z", [("a", 0.5, 0.8), ("b", 0.5, 0.2)]) for at in range(5)]
    read = read_tracks(write(tmp_path, lines(pushes), "live.jsonl"), homography=tilted)
    assert np.isfinite(read.frames.x_m).sum() == 5
    assert read.notes[-1] == "5 positions are not on the ground (above the horizon)"
    turned = read_tracks(tmp_path / "live.jsonl", homography=-np.array(tilted))
    assert np.array_equal(turned.frames.x_m, read.frames.x_m, equal_nan=True)


@pytest.mark.parametrize("homography", [np.zeros((3, 3)), np.eye(2), "sideways", [[1, 0, 0], [0, 1, 0], [0, np.nan, 1]]])
def test_a_homography_that_is_none_is_refused(tmp_path: Path, homography: Any) -> None:
    path = write(tmp_path, lines([axis("2026-04-27T12:00:00Z", [("a", 0.5, 0.4)])]), "live.jsonl")
    assert ": the homography " in refused(path, homography=homography)


def test_what_a_push_must_not_hold_refuses_it_here_too(tmp_path: Path) -> None:
    personal = json.loads(json.dumps(WALK))
    personal[2]["live_data"]["frames"][0]["tracked_objects"][0]["attributes"] = {"gender": "FEMALE"}
    told = refused(write(tmp_path, lines(personal), "live.jsonl"))
    assert told.startswith(", push 3, live_data.frames[0].tracked_objects[0].attributes")
    assert "FEMALE" not in told
    assert str(BIG) not in refused(write(tmp_path, lines([*WALK, xovis(80, [(BIG, 6.0, 2.0)])]), "twice.jsonl"))


@pytest.mark.parametrize(
    ("pushes", "told"),
    [
        ([xovis(0, [])], ": holds no positions; "),
        ([WALK[0], xovis(80, [(1, 1.0, 1.0)], serial="other")], ": holds frames of several sensors, each with its own plane; "),
        ([WALK[0]], ": holds one moment, which tells no frame rate; "),
        ([WALK[0], {"hello": 1}], ", push 2, hello: is not a field of this format; "),
    ],
)
def test_what_is_no_recording_is_told(tmp_path: Path, pushes: list[dict[str, Any]], told: str) -> None:
    assert refused(write(tmp_path, lines(pushes), "live.jsonl")).startswith(told)


def test_a_file_that_is_cut_off_is_told(tmp_path: Path) -> None:
    assert ", line 5: is not JSON; take the line out; the file may be cut off" in refused(
        write(tmp_path, lines(WALK)[:-30], "live.jsonl")
    )
    assert ": is not a JSON array; " in refused(write(tmp_path, json.dumps(WALK)[:-30], "live.json"))
    assert ": is nested too deep; " in refused(write(tmp_path, "[" * 100_000, "deep.json"))


def test_metres_are_not_overruled_and_a_rate_must_fit(tmp_path: Path) -> None:
    path = write(tmp_path, lines(WALK), "live.jsonl")
    assert "tells its positions in m, not in cm" in refused(path, unit="cm")
    assert ": its times do not fit 10 frames a second" in refused(path, rate_hz=10)
    assert read_tracks(path, rate_hz=12.5).notes == ()
