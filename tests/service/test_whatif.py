"""``ruimte whatif`` on a lab's database: what is printed, and what is refused."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from ruimte.cli import main
from ruimte.clock import MINUTE_US, from_us, to_us
from ruimte.lab.new import new_lab
from ruimte.lab.read import read_lab

STREAMS = {"square-west": (90, 60), "square-street": (20, 15), "street-east": (12, 15)}


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example lab, and with a morning of counts from the hour at which it is empty, estimated."""
    folder = tmp_path_factory.mktemp("whatif")
    new_lab(folder / "town")
    lab = read_lab(folder / "town")
    start = to_us(lab.events[0].start.replace(hour=4, minute=0, tzinfo=lab.zone))
    rows = ["from;sensor;in;out"]
    for tick in range(24):
        at = from_us(start + tick * 5 * MINUTE_US).astimezone(lab.zone)
        busy = tick >= 6
        rows += [f"{at:%Y-%m-%dT%H:%M};{key};{busy * came};{busy * left}" for key, (came, left) in STREAMS.items()]
    (folder / "counts.csv").write_text("\n".join(rows) + "\n")
    mapping = 'time = "from"\ninterval = "5m"\nsensor = "sensor"\ncount_in = "in"\ncount_out = "out"\ndelimiter = ";"\n'
    (folder / "counts.toml").write_text(mapping)
    for words in (
        ["import", "town", "counts.csv", "--format", "table", "--mapping", "counts.toml"],
        ["estimate", "town"],
    ):
        done = ruimte(folder, *words)
        assert done.exit_code == 0, done.output
    return folder


def ruimte(folder: Path, *words: str) -> Result:
    paths = [str(folder / word) if (folder / word).exists() else word for word in words]
    return CliRunner().invoke(main, [*paths, "--data", str(folder / "data")])


def told(folder: Path, *words: str) -> dict:  # type: ignore[type-arg]
    done = ruimte(folder, "whatif", "town", *words, "--json", "--members", "40")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_a_measure_is_told_beside_nothing(town: Path) -> None:
    found = told(town, "hold")
    square = found["zones"][0]
    assert found["measures"] == ["hold"]
    assert len(found["valid"]) == 12
    assert found["from"] == "2026-07-04T04:00:00Z"
    # a quarter of an hour into it, it has worked for ten minutes, in which 90 / 0.95 in five minutes have waited outside
    waited = square["people"]["without"]["q50"][2] - square["people"]["with"]["q50"][2]
    assert waited == pytest.approx(2 * 90 / 0.95, rel=0.15)
    assert found["queues"]["square-west"] == pytest.approx(6 * 90 / 0.95, rel=0.1)
    assert [level["level"] for level in square["levels"]] == ["D", "E", "F"]
    chances = np.array([[level["chance"][side] for side in ("without", "with")] for level in square["levels"]])
    assert ((chances >= 0) & (chances <= 1)).all()


def test_what_is_told_starts_from_what_was_estimated(town: Path) -> None:
    found = told(town, "announce", "--minutes", "5")
    people = found["zones"][0]["people"]["without"]["q50"][0]
    # 18 ticks in which 90 came and 60 left in the west, and 20 went and 15 came at the street, of which 0.95 are counted
    assert people == pytest.approx(19 * (90 - 60 - 20 + 15) / 0.95, rel=0.15)


def test_the_table_tells_moments_levels_and_who_waits(town: Path) -> None:
    done = ruimte(town, "whatif", "town", "hold", "--members", "40")
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[0] == "Hold people at the access points, decided 2026-07-04 06:00; without → with"
    assert lines[1].split() == ["06:15", "06:30", "06:45", "07:00"]
    assert lines[2].startswith("Square")
    assert lines[3].startswith("  level D, from 1,971")
    assert any(line.startswith("waiting outside square-west: up to ") for line in lines)


def test_measures_may_be_taken_together(town: Path) -> None:
    found = told(town, "hold+announce")
    assert found["measures"] == ["hold", "announce"]
    assert found["name"] == "hold + announce"


def test_a_closed_zone_says_who_cannot_get_out(town: Path) -> None:
    (town / "shut.toml").write_text('format = 1\nname = "Shut"\n[[action]]\ndo = "close"\nzone = "square"\n')
    done = ruimte(town, "whatif", "town", "shut.toml", "--members", "40")
    assert done.exit_code == 0, done.output
    assert "no way out of Square for up to " in done.output


def test_an_action_after_the_window_is_named(town: Path) -> None:
    (town / "late.toml").write_text('format = 1\nname = "Late"\n[[action]]\ndo = "close"\nzone = "square"\nfrom = "+3h"\n')
    done = ruimte(town, "whatif", "town", "late.toml", "--members", "40")
    assert done.output.splitlines()[-1] == "changes nothing in this time: close"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["town", "holt"], "playbook.toml: unknown measure 'holt'"),
        (["town", "stewards"], "stewards: what this does to the crowd is not told"),
        (["town", "none.toml"], "none.toml: the file is missing; check the path"),
        (["town", "hold", "--at", "2026-07-05T12:00"], "no estimate is stored"),
        (["town", "hold", "--at", "2026-07-04T04:20"], "is not known; choose another --at"),
        (["town", "hold", "--at", "noon"], "'noon' is not a time"),
        (["town", "hold", "--minutes", "3"], "holds no whole tick; take 5 minutes or more"),
        (["auckland", "hold"], "what this does to the crowd is not told"),
    ],
)
def test_what_cannot_be_told_is_one_line(town: Path, words: list[str], said: str) -> None:
    done = ruimte(town, "whatif", *words)
    assert done.exit_code == 1
    assert said in done.output
    assert len(done.output.strip().splitlines()) == 1


def test_a_zone_whose_people_are_not_known_is_told_as_such(town: Path) -> None:
    data = shutil.copytree(town / "data", town / "half")
    with sqlite3.connect(data / "town.db") as database:
        database.execute("UPDATE states SET mean = NULL WHERE place_id = (SELECT id FROM places WHERE key = 'street')")
    database.close()
    words = ["whatif", str(town / "town"), "hold", "--members", "20", "--data", str(data)]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert re.search(r"^Shopping street +not known +not known +not known +not known$", done.output, re.MULTILINE)
    street = json.loads(CliRunner().invoke(main, [*words, "--json"]).stdout)["zones"][1]
    assert (street["known"], street["people"], street["levels"]) == (False, None, [])
