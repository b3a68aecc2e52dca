"""The pictures of a comparison: what is drawn, what is chosen to be drawn, and what is said where nothing can be."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from statistics import NormalDist
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from ruimte.clock import DAY_US, HOUR_US, to_us
from ruimte.errors import RuimteError
from ruimte.forecast.comparison import Comparison, Method
from ruimte.forecast.metrics import pit, reliability
from ruimte.model.forecast import LEVELS, level_index
from ruimte.report import forecast
from ruimte.report.forecast import draw_backtest

NORMAL = np.array([NormalDist().inv_cdf(float(level)) for level in LEVELS])
FIRST_US = to_us(datetime(2023, 1, 9, 15, tzinfo=UTC))
ALL = ["backtest-skill.png", "backtest-reliability.png", "backtest-pit.png", "backtest-worst-days.png"]


def comparison(origins: int = 6, places: int = 3, hours: int = 72, together: float = 0.0) -> Comparison:
    """Forecasts whose quantiles are true; ``together``: how much of their errors the places share."""
    random = np.random.default_rng(7)
    shape = (origins, places, hours)
    mean = np.broadcast_to(300 + 200 * np.sin(np.arange(hours) / 24 * 2 * np.pi), shape)
    shared, own = random.normal(size=(origins, 1, hours)), random.normal(size=shape)
    actual = mean + 20 * (together * shared + np.sqrt(1 - together**2) * own)
    return Comparison(
        places=tuple(f"place-{number}" for number in range(places)),
        origins_us=FIRST_US + 3 * DAY_US * np.arange(origins, dtype=np.int64),
        elapsed_h=np.arange(1.0, hours + 1),
        actual=actual,
        scale=np.full(places, 30.0),
        methods={
            "last-week": Method(mean + random.normal(0, 40, shape)),
            "learned-ratio": Method(mean, mean[..., None] + 20 * NORMAL),
        },
    )


def test_four_pictures_of_a_sane_size(tmp_path: Path):
    drawn = draw_backtest(comparison(), tmp_path / "new" / "folder")
    assert [path.name for path in drawn] == ALL
    for path in drawn:
        picture = path.read_bytes()
        width, height = (int.from_bytes(picture[at : at + 4], "big") for at in (16, 20))
        assert picture[:8] == b"\x89PNG\r\n\x1a\n"
        assert 700 < width < 1300
        assert 200 < height < 1100
        assert 5_000 < len(picture) < 100_000


def test_the_same_comparison_gives_the_same_bytes_in_any_thread(tmp_path: Path):
    first = draw_backtest(comparison(), tmp_path / "first")
    thread = threading.Thread(target=draw_backtest, args=(comparison(), tmp_path / "second"))
    thread.start()
    thread.join()
    for path in first:
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()


def test_without_quantiles_only_points_are_drawn(tmp_path: Path):
    found = comparison()
    plain = replace(found, methods={"last-week": found.methods["last-week"]})
    assert [path.name for path in draw_backtest(plain, tmp_path)] == [ALL[0], ALL[3]]


@pytest.mark.parametrize(("places", "hours"), [(1, 1), (1, 2), (3, 24), (3, 200)])
def test_a_single_forecast_is_drawn(tmp_path: Path, places: int, hours: int):
    assert [path.name for path in draw_backtest(comparison(1, places, hours), tmp_path)] == ALL


def test_many_methods_quarters_of_an_hour_and_gaps_are_drawn(tmp_path: Path):
    found = comparison(hours=96)
    actual = found.actual.copy()
    actual[:, 0], actual[1], actual[2, :, 5:9] = np.nan, np.nan, np.nan
    said = found.methods["learned-ratio"]
    methods = {f"method-{number}": said if number < 2 else Method(said.point) for number in range(12)}
    drawn = draw_backtest(replace(found, actual=actual, methods=methods, elapsed_h=found.elapsed_h / 4), tmp_path)
    assert [path.name for path in drawn] == ALL


def test_where_nobody_came_there_is_no_share(tmp_path: Path):
    found = comparison()
    nobody = Method(np.zeros_like(found.actual), np.zeros((*found.actual.shape, len(LEVELS))))
    drawn = draw_backtest(replace(found, actual=np.zeros_like(found.actual), methods={"learned-ratio": nobody}), tmp_path)
    assert [path.name for path in drawn] == ALL


def test_where_nothing_is_known_nothing_is_drawn(tmp_path: Path):
    found = comparison()
    assert draw_backtest(replace(found, actual=np.full_like(found.actual, np.nan)), tmp_path) == []


def test_the_worst_days_are_those_that_were_worst(tmp_path: Path):
    found = comparison(origins=8)
    actual = found.actual.copy()
    actual[5, :, 9:33] += 500  # made at 15:00 UTC: nine hours before midnight
    zone = ZoneInfo("Europe/Amsterdam")
    days = forecast._worst(replace(found, actual=actual), found.served(), UTC)
    assert len(days) == 4
    assert [day.begin for day in days] == sorted(day.begin for day in days)
    worst = max(days, key=lambda day: day.off)
    assert worst.begin == datetime(2023, 1, 25, tzinfo=UTC)
    assert worst.issued == datetime(2023, 1, 24, 15, tzinfo=UTC)
    assert worst.at_h.tolist() == [hour + 0.5 for hour in range(24)]
    assert worst.off == pytest.approx(1500, abs=50)
    local = forecast._worst(replace(found, actual=actual), found.served(), zone)
    assert max(local, key=lambda day: day.off).begin == datetime(2023, 1, 25, tzinfo=zone)


def test_of_the_forecasts_before_a_day_the_last_one_counts():
    found = comparison(origins=5)
    often = replace(found, origins_us=FIRST_US + 5 * HOUR_US * np.arange(5, dtype=np.int64))
    days = forecast._worst(often, found.served(), UTC)
    assert [(day.begin.day, day.issued.day, day.issued.hour) for day in days] == [(10, 9, 20), (11, 10, 11)]


def test_short_forecasts_are_drawn_whole_and_do_not_overlap():
    found = comparison(origins=9, hours=12)
    often = replace(found, origins_us=FIRST_US + 5 * HOUR_US * np.arange(9, dtype=np.int64))
    days = forecast._worst(often, found.served(), UTC)
    assert all((day.begin, len(day.at_h)) == (day.issued, 12) for day in days)
    assert all(day.end <= after.begin for day, after in pairwise(days))


@pytest.mark.parametrize("together", [0.0, 0.8, 1.0])
def test_the_band_of_all_places_holds_however_they_are_off_together(together: float):
    found = comparison(origins=40, places=10, together=together)
    said = found.methods["learned-ratio"]
    assert said.quantiles is not None
    low, high = forecast._total(said.quantiles[0], forecast._alike(found, found.served(), said))
    total = found.actual.sum(axis=1)
    assert np.mean((total > low) & (total < high)) == pytest.approx(0.9, abs=0.04)


def test_with_too_few_hours_the_places_are_added_up():
    found = comparison(origins=1, places=4, hours=6)
    said = found.methods["learned-ratio"]
    assert said.quantiles is not None
    assert forecast._alike(found, found.served(), said) is None
    low, high = forecast._total(said.quantiles[0], None)
    assert low == pytest.approx(said.quantiles[0, :, :, level_index(0.05)].sum(axis=0))
    assert high == pytest.approx(said.quantiles[0, :, :, level_index(0.95)].sum(axis=0))


def test_true_quantiles_hold_and_so_do_those_of_empty_nights():
    came = np.random.default_rng(3).uniform(0, 1, 20_000)
    true = np.broadcast_to(LEVELS, (len(came), len(LEVELS)))
    assert reliability(came, true) == pytest.approx(LEVELS, abs=0.02)
    assert pit(came, true) == pytest.approx(np.ones(20), abs=0.2)
    nobody = np.zeros((5, len(LEVELS)))
    assert reliability(np.zeros(5), nobody) == pytest.approx(LEVELS, abs=0.05)
    assert np.isnan(pit(np.full(5, np.nan), nobody)).all()


def test_without_matplotlib_one_line_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(RuimteError) as caught:
        draw_backtest(comparison(), tmp_path)
    assert str(caught.value) == "package matplotlib: is not installed; pip install 'ruimte[report]'"


def test_a_folder_that_cannot_be_written_is_said_in_one_line(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RuimteError, match=r"^\S+file: cannot be written \(File exists\); name a folder you may write$"):
        draw_backtest(comparison(), tmp_path / "file")
    (tmp_path / ALL[0]).mkdir()
    with pytest.raises(RuimteError, match=r"^\S+backtest-skill\.png: cannot be written \(Is a directory\)"):
        draw_backtest(comparison(), tmp_path)
