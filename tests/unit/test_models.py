"""The models of a lab: which one forecasts, going back to the one before, and files that are damaged or cannot be written."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from importlib.resources import files

import msgspec
import pytest

from forecast_world import plain
from ruimte.errors import RuimteError
from ruimte.forecast.features import NAMES
from ruimte.forecast.model_file import About, Bundle, encode
from ruimte.forecast.score import Skill
from ruimte.jobs.models import Measured, Models, as_dict, read_bundle, shipped, write_bundle

SKILL = [Skill(0, 24, 0.12344, {"last-week": 0.24568}, math.nan, 7), Skill(24, 168, 0.2, {"last-week": 0.3}, 0.9012, 9)]


def bundle(day: int, median: float = 0.0) -> Bundle:
    made = f"2026-01-{day:02}T00:00:00Z"
    about = About(name="town", made=made, sources=["counts"], from_=["2024-01-01"], until=["2026-01-01"], command="ruimte train")
    return Bundle(about, plain(median=median))


@pytest.fixture
def models(tmp_path):
    return Models(tmp_path, "town")


def told(found: Bundle) -> bytes:
    return encode(found)


def test_a_lab_without_models_takes_the_one_that_comes_along(models):
    assert models.register().active is None
    assert told(models.load()) == told(shipped())
    assert models.load_or_shipped()[1] is None
    assert not models.folder.exists()


def test_what_is_added_forecasts_and_the_register_says_how_well(models):
    entry = models.add(bundle(1), "trained", Measured("2025-12-01", "2025-12-29", SKILL))
    assert told(models.load()) == told(bundle(1))
    register = models.register()
    assert register.active == entry.id
    assert register.models == [entry]
    assert (entry.measured_from, entry.measured_until, entry.origin) == ("2025-12-01", "2025-12-29", "trained")
    assert [(each.nmae, each.baselines, each.coverage) for each in entry.skill] == [
        (0.1234, {"last-week": 0.2457}, None),
        (0.2, {"last-week": 0.3}, 0.901),
    ]
    written = json.loads((models.folder / "register.json").read_text())
    assert written == json.loads(json.dumps(as_dict(register)))
    assert sorted(each.name for each in models.folder.iterdir()) == sorted([f"{entry.id}.ruimte-model", "register.json"])


def test_one_goes_back_model_by_model_to_the_one_that_comes_along(models):
    first, second = models.add(bundle(1, 0.1), "trained", None), models.add(bundle(2, 0.2), "pretrained", None)
    assert models.register().active == second.id
    assert models.roll_back() == first
    assert told(models.load()) == told(bundle(1, 0.1))
    assert models.roll_back() is None
    assert told(models.load()) == told(shipped())
    with pytest.raises(RuimteError, match="no model of its own to go back from"):
        models.roll_back()
    assert [each.id for each in models.register().models] == [first.id, second.id]  # none is thrown away
    third = models.add(bundle(3), "trained", None)
    assert models.register().active == third.id


def test_the_same_model_again_is_kept_once(models):
    one, other = models.add(bundle(1), "trained", None), models.add(bundle(1), "trained", None)
    assert one == other
    assert models.register().models == [one]


def test_going_back_from_a_model_that_the_register_does_not_know_takes_the_one_that_comes_along(models):
    models.add(bundle(1), "trained", None)
    path = models.folder / "register.json"
    path.write_text(path.read_text().replace('"active": "', '"active": "x'))
    assert models.roll_back() is None


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"\0" + path.read_bytes()[1:])])
def test_a_model_that_cannot_be_read_gives_way_with_the_reason(models, damage):
    entry = models.add(bundle(1), "trained", None)
    path = models.folder / f"{entry.id}.ruimte-model"
    damage(path)
    with pytest.raises(RuimteError):
        models.load()
    found, wrong = models.load_or_shipped()
    assert told(found) == told(shipped())
    assert wrong is not None
    assert wrong.startswith(str(path))
    assert "\n" not in wrong


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"null",
        b'{"active": 3}',
        b'{"models": [{}]}',
        b'{"format": 99}',
        b"[" * 100_000,
        b'"\\ud800"',
    ],
)
def test_a_register_that_cannot_be_read_gives_way_with_the_reason(models, text):
    models.add(bundle(1), "trained", None)
    path = models.folder / "register.json"
    path.write_bytes(text)
    for ask in (models.register, models.load, models.roll_back, lambda: models.add(bundle(2), "trained", None)):
        with pytest.raises(RuimteError) as caught:
            ask()
        assert "\n" not in str(caught.value)
    found, wrong = models.load_or_shipped()
    assert told(found) == told(shipped())
    assert wrong is not None
    assert wrong.startswith(str(path))
    assert path.read_bytes() == text  # nobody mends it by throwing it away
    assert len(list(models.folder.glob("*.ruimte-model"))) == 1


def test_a_folder_in_place_of_the_register_is_told(models):
    (models.folder / "register.json").mkdir(parents=True)
    with pytest.raises(RuimteError, match="cannot be read"):
        models.register()
    assert models.load_or_shipped()[1] is not None


def test_a_file_that_is_missing_or_a_folder_is_told(tmp_path):
    for path in (tmp_path / "none", tmp_path, tmp_path / "none" / "none"):
        with pytest.raises(RuimteError, match="cannot be read"):
            read_bundle(path)


def test_a_file_in_the_way_of_the_folder_is_told(tmp_path):
    (tmp_path / "models").write_text("in the way")
    with pytest.raises(RuimteError, match="cannot be written"):
        Models(tmp_path, "town").add(bundle(1), "trained", None)
    with pytest.raises(RuimteError, match="cannot be written"):
        write_bundle(tmp_path / "models" / "a.ruimte-model", bundle(1))
    (tmp_path / "folder").mkdir()
    with pytest.raises(RuimteError, match="cannot be written"):
        write_bundle(tmp_path / "folder", bundle(1))
    assert sorted(each.name for each in tmp_path.iterdir()) == ["folder", "models"]


def _full(*_):
    raise OSError(28, "No space left on device")


def test_on_a_full_disk_all_stays_as_it_was(models, monkeypatch):
    models.add(bundle(1), "trained", None)
    before = {path.name: path.read_bytes() for path in models.folder.iterdir()}
    monkeypatch.setattr(os, "fsync", _full)
    with pytest.raises(RuimteError, match=r"No space left on device.*make room"):
        models.add(bundle(2), "trained", None)
    with pytest.raises(RuimteError, match="cannot be written"):
        models.roll_back()
    assert {path.name: path.read_bytes() for path in models.folder.iterdir()} == before


def test_where_the_register_cannot_be_written_the_model_is_not_kept_either(models, monkeypatch):
    models.add(bundle(1), "trained", None)
    before = {path.name: path.read_bytes() for path in models.folder.iterdir()}
    sync, calls = os.fsync, []
    monkeypatch.setattr(os, "fsync", lambda number: (calls.append(number), _full() if len(calls) == 2 else sync(number)))
    with pytest.raises(RuimteError, match="cannot be written"):
        models.add(bundle(2), "trained", None)
    assert {path.name: path.read_bytes() for path in models.folder.iterdir()} == before


_FILL = """
import pathlib, resource, sys
from ruimte.errors import RuimteError
from ruimte.jobs.models import Models, shipped
models = Models(pathlib.Path(sys.argv[1]), "town")
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
try:
    models.add(shipped(), "pretrained", None)
except RuimteError as error:
    print(error)
"""


@pytest.mark.fault
def test_a_model_that_does_not_fit_on_the_disk_leaves_nothing(tmp_path):
    pytest.importorskip("resource", reason="no limits on the size of files on this system")
    run = subprocess.run([sys.executable, "-c", _FILL, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    assert "cannot be written" in run.stdout
    assert "make room" in run.stdout
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_the_model_that_comes_along_loads_and_its_readme_says_what_it_is():
    found = shipped()
    assert found.hours.per_day == 24
    assert found.about.sources
    assert found.about.command.startswith("ruimte pretrain")
    assert max(part.until_h for part in found.hours.median) == 168
    assert all(part.trees.mistake(len(NAMES)) is None for part in found.hours.median)
    readme = files("ruimte.forecast").joinpath("pretrained", "README.md").read_text(encoding="utf-8")
    assert all(city in readme and any(city in source for source in found.about.sources) for city in ("Auckland", "Melbourne"))
    assert all(licence in source for source, licence in zip(found.about.sources, ("CC BY 4.0", "CC BY"), strict=True))
    assert "CC BY 4.0" in readme
    assert msgspec.to_builtins(found.about)
