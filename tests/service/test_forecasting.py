"""Training, forecasting and judging a lab from its database, by the command line: what is told, and what is refused."""

from __future__ import annotations

import json
import shutil
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from forecast_world import plain
from ruimte.cli import main
from ruimte.clock import HOUR_US, MINUTE_US
from ruimte.forecast import learn as learning
from ruimte.forecast.model_file import About, Bundle, decode
from ruimte.jobs import pretraining, training
from ruimte.jobs.models import Models, shipped, write_bundle
from ruimte.jobs.register import register_lab
from ruimte.lab.new import new_lab
from ruimte.lab.read import read_lab
from ruimte.model.forecast import MEDIAN
from ruimte.model.observation import OBSERVATIONS
from ruimte.store.sqlite import Store

MONDAY_US = 1_767_567_600_000_000
"""2026-01-05T00:00 in Amsterdam."""
WEEKS = 20
HOURS = WEEKS * 168


def table(stream: int, result: np.ndarray, interval_us: int = HOUR_US, first: int = 0) -> pa.Table:
    start = MONDAY_US + (first + np.arange(len(result))) * interval_us
    columns = [np.full(len(result), stream), start, start + interval_us, start + interval_us, result, np.zeros(len(result))]
    return pa.table([pa.array(c).cast(f.type) for c, f in zip(columns, OBSERVATIONS, strict=True)], schema=OBSERVATIONS)


def edit(path: Path, *changes: tuple[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="session")
def road(tmp_path_factory) -> Path:
    """A lab of one count point, by the hour."""
    folder = tmp_path_factory.mktemp("labs") / "road"
    new_lab(folder)
    edit(
        folder / "lab.toml",
        ('length = "5m"', 'length = "1h"'),
        ('horizon = "3h"', 'horizon = "24h"'),
        ('lateness = "30s"', 'lateness = "0s"'),
    )
    places = json.loads((folder / "places.geojson").read_text(encoding="utf-8"))
    places["features"] = [each for each in places["features"] if each["properties"]["key"] == "station-road"]
    (folder / "places.geojson").write_text(json.dumps(places), encoding="utf-8")
    sensors = (folder / "sensors.toml").read_text(encoding="utf-8").split("[[sensor]]")
    mine = next(each for each in sensors if 'key = "station-road"' in each).partition("\n#")[0]
    mine = mine.replace('interval = "5m"', 'interval = "1h"').replace("1600", "19200")
    (folder / "sensors.toml").write_text(f"format = 1\n\n[[sensor]]{mine}\n", encoding="utf-8")
    (folder / "calendar.toml").write_text("format = 1\n", encoding="utf-8")
    measures = (folder / "playbook.toml").read_text(encoding="utf-8").split("[[measure]]")
    (folder / "playbook.toml").write_text("[[measure]]".join(measures[:2]), encoding="utf-8")  # those at gates are for others
    read_lab(folder)
    return folder


@pytest.fixture(scope="session")
def passed() -> np.ndarray:
    """Persons by the hour on that road."""
    random = np.random.default_rng(7)
    hour = np.arange(HOURS) % 24
    day = np.repeat(np.tile([1.0, 1.0, 1.1, 1.1, 1.3, 1.6, 0.8], WEEKS), 24)
    usual = 300 * day * (0.05 + np.exp(-0.5 * ((hour - 15) / 3.5) ** 2))
    return random.poisson(usual * np.repeat(np.exp(random.normal(0, 0.15, WEEKS * 7)), 24)).astype(float)


def filled(folder: Path, data: Path, *parts: tuple[str, np.ndarray], interval_us: int = HOUR_US) -> Path:
    """A folder of databases with the one of a lab in it; each part is a datastream and what it counted."""
    data.mkdir(parents=True, exist_ok=True)
    lab = read_lab(folder)
    with Store(data / f"{lab.key}.db", lab.key, durable=False) as store:
        register_lab(lab, store)
        ids = store.stream_ids()
        rows = pa.concat_tables([table(ids[key], result, interval_us) for key, result in parts]) if parts else None
        if rows is not None:
            store.append(rows.sort_by([("received_us", "ascending"), ("datastream", "ascending")]))
    return data


@pytest.fixture(scope="session")
def road_data(road, passed, tmp_path_factory) -> Path:
    return filled(road, tmp_path_factory.mktemp("road-data"), ("station-road/count", passed))


@pytest.fixture
def data(road_data, tmp_path) -> Path:
    """A copy of the road's database in a folder of its own."""
    folder = tmp_path / "data"
    shutil.copytree(road_data, folder)
    return folder


@pytest.fixture
def ruimte(road, data):
    def run(command, *arguments, lab=road, folder=data):
        return CliRunner().invoke(main, [command, str(lab), "--data", str(folder), *map(str, arguments)])

    return run


@pytest.fixture
def small(monkeypatch):
    """Training takes a second."""
    for name, rounds in (("_MEDIAN_ROUNDS", 20), ("_SOON_ROUNDS", 20), ("_SCALE_ROUNDS", 10), ("APART", 5)):
        monkeypatch.setattr(learning, name, rounds)
    monkeypatch.setattr(training, "learn", partial(learning.learn, rows=12_000))
    monkeypatch.setattr(training, "LEAST_DAYS", 60)


def told(result):
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return json.loads(result.stdout, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def refused(result, *parts):
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 1, (result.output, result.exception)
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("ruimte: ")
    assert "; " in line, "no mend"
    for part in parts:
        assert str(part) in line


# --- train


def test_a_lab_trains_from_its_past_and_what_was_measured_lands_in_the_register(ruimte, data, small):
    found = told(ruimte("train", "--json"))
    entry = found["model"]
    assert entry["origin"] == "trained"
    assert (entry["measured_from"], entry["measured_until"]) == ("2026-04-27", "2026-05-25")
    assert entry["until"] == ["2026-04-27"]  # the weeks on which it is measured were not learned from
    assert entry["skill"][0]["from_h"] == 0
    for each in entry["skill"]:
        assert 0 < each["nmae"] < 0.6
        assert set(each["baselines"]) >= {"last-week"}
        assert all(0 < value < 1 for value in each["baselines"].values())
        assert 0.5 < each["coverage"] <= 1
        assert each["pairs"] > 50
    assert found["seconds"] > 0
    listed = told(ruimte("train", "--list", "--json"))
    assert listed["active"] == entry["id"]
    assert listed["models"] == [entry]
    bundle = Models(data, "road").load()
    assert bundle.about.name == "road"
    assert bundle.quarters is None
    text = ruimte("train", "--list").stdout
    assert f"→ {entry['id']} (trained)" in text
    assert "  the model that comes with Ruimte" in text
    # and it forecasts, and is judged
    assert len(told(ruimte("forecast", "--json"))["valid"]) == 24
    assert told(ruimte("backtest", "--origins", 2, "--horizon", "6h", "--json"))["figures"]
    assert told(ruimte("train", "--roll-back", "--json"))["active"] is None
    refused(ruimte("train", "--roll-back"), "no model of its own", "ruimte train")
    assert "→ the model that comes with Ruimte" in ruimte("train", "--list").stdout


def test_a_lab_trains_from_what_was_before_a_moment(ruimte, small):
    lines = ruimte("train", "--until", "2026-05-11T00:00").stdout
    (entry,) = told(ruimte("train", "--list", "--json"))["models"]
    assert (entry["measured_from"], entry["measured_until"]) == ("2026-04-13", "2026-05-11")
    assert "forecasts from the next start of the node on" in lines
    assert "measured on 2026-04-13 to 2026-05-11" in lines


def test_a_pretrained_model_is_taken_and_measured_here(ruimte, data, tmp_path):
    entry = told(ruimte("train", "--pretrained", "--json"))["model"]
    assert entry["origin"] == "pretrained"
    assert entry["sources"] == shipped().about.sources
    assert entry["skill"]
    assert entry["measured_until"] == "2026-05-25"
    path = tmp_path / "other.ruimte-model"
    about = About(name="x", made="2026-01-01T00:00:00Z", sources=["y"], from_=["2024-01-01"], until=["2025-01-01"], command="z")
    write_bundle(path, Bundle(about, plain()))
    other = told(ruimte("train", "--pretrained", "--model", path, "--json"))["model"]
    assert other["sources"] == ["y"]
    assert told(ruimte("train", "--list", "--json"))["active"] == other["id"]
    assert told(ruimte("train", "--roll-back", "--json"))["active"] == entry["id"]


def test_a_pretrained_model_is_taken_before_there_is_any_past(ruimte, tmp_path):
    found = told(ruimte("train", "--pretrained", "--json", folder=tmp_path / "new"))
    assert found["model"]["skill"] == []
    assert found["model"]["measured_from"] is None
    assert "could not be measured" in ruimte("train", "--pretrained", folder=tmp_path / "new").stdout


@pytest.mark.parametrize("arguments", [("--pretrained", "--list"), ("--roll-back", "--list"), ("--model", "x")])
def test_what_excludes_each_other_is_wrong_usage(ruimte, arguments):
    assert ruimte("train", *arguments).exit_code == 2


# --- forecast


def test_a_forecast_tells_quantiles_for_every_hour_ahead(ruimte, passed):
    found = told(ruimte("forecast", "--horizon", "7d", "--json"))
    assert found["lab"] == "road"
    assert found["issued"] == "2026-05-24T23:00:00Z"
    assert len(found["valid"]) == 168
    assert found["valid"][0] == "2026-05-25T00:00:00Z"
    assert found["notes"] == []
    (series,) = found["series"]
    assert (series["key"], series["kind"], series["caveats"]) == ("station-road", "count point", [])
    quantiles = np.array(series["quantiles"])
    assert quantiles.shape == (168, len(found["levels"]))
    assert (np.diff(quantiles, axis=1) >= 0).all()
    assert (quantiles >= 0).all()
    usual = np.mean([passed[-168:], passed[-336:-168], passed[-504:-336]], axis=0)
    assert np.abs(quantiles[:, MEDIAN] - usual).sum() / usual.sum() < 0.25
    lines = ruimte("forecast").stdout
    assert "issued 2026-05-25 01:00" in lines
    assert "Station road" in lines


def test_a_forecast_from_a_moment_in_the_past_knows_nothing_later(ruimte, road, passed, tmp_path):
    at = ("--at", "2026-05-04T12:00", "--horizon", "6h", "--json")
    found = told(ruimte("forecast", *at))
    assert found["issued"] == "2026-05-04T10:00:00Z"
    until = (119 * 24) + 11  # an hour was lost in March
    short = filled(road, tmp_path / "short", ("station-road/count", passed[:until]))
    assert told(ruimte("forecast", *at, folder=short)) == found
    assert told(ruimte("forecast", "--horizon", "6h", "--json", folder=short)) == found


def test_a_forecast_as_a_file(ruimte, tmp_path):
    out = tmp_path / "forecast.parquet"
    done = ruimte("forecast", "--horizon", "3h", "--out", out)
    assert done.exit_code == 0, done.output
    assert f"written: {out}" in done.stdout
    read = pq.read_table(out)
    assert read.num_rows == 3
    assert read.column_names[:5] == ["key", "kind", "unit", "issued", "valid"]
    assert read.column_names[5:] == ["q01", *[f"q{each:02d}" for each in range(5, 100, 5)], "q99"]
    assert str(read.schema.field("valid").type) == "timestamp[us, tz=UTC]"
    (series,) = told(ruimte("forecast", "--horizon", "3h", "--json"))["series"]
    assert read["q50"].to_numpy() == pytest.approx(np.array(series["quantiles"])[:, MEDIAN], abs=0.005)


def test_what_is_typical_takes_the_place_of_a_past(ruimte, tmp_path):
    found = told(ruimte("forecast", "--typical", "120", "--json", folder=tmp_path / "new"))
    quantiles = np.array(found["series"][0]["quantiles"])
    assert quantiles[:, MEDIAN].mean() == pytest.approx(120, rel=0.6)
    assert "leans on other places" in found["series"][0]["caveats"][0]
    twice = np.array(told(ruimte("forecast", "--typical", "240", "--json", folder=tmp_path / "new"))["series"][0]["quantiles"])
    assert twice[:, MEDIAN].mean() > 1.5 * quantiles[:, MEDIAN].mean()
    at = told(ruimte("forecast", "--typical", "120", "--at", "2026-06-01T12:00", "--json", folder=tmp_path / "new"))
    assert at["issued"] == "2026-06-01T10:00:00Z"


def test_two_days_of_history_are_told_with_a_caveat_and_are_too_few_to_train_or_judge(ruimte, road, passed, tmp_path):
    folder = filled(road, tmp_path / "two", ("station-road/count", passed[:48]))
    (series,) = told(ruimte("forecast", "--json", folder=folder))["series"]
    assert "less than two weeks of past" in series["caveats"][0]
    assert np.isfinite(np.array(series["quantiles"])).all()
    refused(ruimte("train", folder=folder), "days; to learn from takes", "--pretrained")
    refused(ruimte("backtest", folder=folder), "--from")
    assert told(ruimte("train", "--pretrained", "--json", folder=folder))["model"]["skill"] == []


def test_a_sensor_of_zeros_is_told_as_zeros_and_breaks_nothing(ruimte, road, tmp_path, small):
    folder = filled(road, tmp_path / "zeros", ("station-road/count", np.zeros(13 * 168)))
    quantiles = told(ruimte("forecast", "--json", folder=folder))["series"][0]["quantiles"]
    known = np.array(quantiles, dtype=float)
    assert np.nanmax(known[:, MEDIAN], initial=0.0) <= 1
    told(ruimte("backtest", "--origins", 3, "--horizon", "24h", "--json", folder=folder))
    assert ruimte("backtest", "--origins", 3, "--horizon", "24h", folder=folder).exit_code == 0
    refused(ruimte("train", "--json", folder=folder), "nobody was ever counted", "ruimte sensors")


# --- backtest


def test_last_week_is_what_a_calculation_by_hand_gives(ruimte, passed):
    window = ("--from", "2026-02-16T06:00", "--origins", 5, "--every", "26h", "--horizon", "24h")
    found = told(ruimte("backtest", *window, "--methods", "last-week,mean-4-weeks", "--json"))
    assert found["places"] == ["station-road"]
    assert found["origins"][:2] == ["2026-02-16T05:00:00Z", "2026-02-17T07:00:00Z"]
    begin = 42 * 24 + 6
    ahead = np.array([begin + 26 * number + np.arange(24) for number in range(5)])
    came = passed[ahead]
    methods = {"last-week": passed[ahead - 168], "mean-4-weeks": sum(passed[ahead - 168 * k] for k in range(1, 5)) / 4}
    week = passed[168:begin] - passed[: begin - 168]
    for row in found["figures"]:
        within = slice(int(row["from_h"]), int(row["until_h"]))
        error = np.abs(methods[row["method"]] - came)[:, within]
        assert row["pairs"] == error.size
        assert row["mae"] == pytest.approx(error.mean())
        assert row["rmse"] == pytest.approx(np.sqrt((error**2).mean()))
        assert row["nmae"] == pytest.approx(error.sum() / came[:, within].sum())
        assert row["mase"] == pytest.approx(error.mean() / np.abs(week).mean())
    assert {row["method"] for row in found["figures"]} == set(methods)
    assert found["ratios"] == []


def test_all_methods_are_compared_with_the_learned_one(ruimte, tmp_path):
    found = told(ruimte("backtest", "--origins", 4, "--hours", "6,18", "--horizon", "2d", "--json"))
    methods = {row["method"] for row in found["figures"]}
    assert methods == {"learned-ratio", "last-week", "last-day", "mean-4-weeks", "median-4-weeks", "amsterdam-profile"}
    assert [origin[11:16] for origin in found["origins"]] == ["05:00", "17:00", "04:00", "16:00"]  # summer time begins between
    assert {row["peer"] for row in found["ratios"]} == methods - {"learned-ratio"}
    for row in found["figures"]:
        assert 0 < row["nmae"] < 2
        if row["method"] == "learned-ratio":
            assert 0 < row["crps"] < row["nmae"] * 1.2
            assert 0 <= row["coverage_80"] <= row["coverage_90"] <= 1
    lines = ruimte("backtest", "--origins", 2, "--horizon", "3h", "--methods", "last-week, learned-ratio").stdout
    assert "2 forecasts of 1 places" in lines
    assert "within 90 %" in lines
    assert "last-day" not in lines


def test_a_backtest_takes_another_model_and_draws(ruimte, tmp_path):
    pytest.importorskip("matplotlib", reason="the extra report is not installed")
    path = tmp_path / "other.ruimte-model"
    about = About(name="x", made="2026-01-01T00:00:00Z", sources=["y"], from_=["2024-01-01"], until=["2025-01-01"], command="z")
    write_bundle(path, Bundle(about, plain(median=0.7)))
    window = ("--origins", 3, "--horizon", "24h", "--methods", "learned-ratio,last-week", "--json")
    ours, other = (told(ruimte("backtest", *window, *more)) for more in ((), ("--model", path, "--out", tmp_path / "pictures")))
    nmae = [row["nmae"] for found in (ours, other) for row in found["figures"] if row["method"] == "learned-ratio"]
    assert max(nmae) > 1.5 * min(nmae)
    assert other["pictures"]
    assert all(Path(each).is_file() for each in other["pictures"])


def test_a_backtest_at_the_very_end_has_nothing_to_compare_with_and_says_so(ruimte):
    found = told(ruimte("backtest", "--from", "2026-05-25T01:00", "--origins", 1, "--horizon", "24h", "--json"))
    assert found["figures"] == []
    assert ruimte("backtest", "--from", "2026-05-25T01:00", "--origins", 1, "--horizon", "24h").exit_code == 0


def test_pictures_that_cannot_be_written_are_told(ruimte, tmp_path):
    pytest.importorskip("matplotlib", reason="the extra report is not installed")
    (tmp_path / "file").touch()
    window = ("--origins", 1, "--horizon", "3h", "--methods", "last-week")
    refused(ruimte("backtest", *window, "--out", tmp_path / "file"), tmp_path / "file")
    refused(ruimte("backtest", *window, "--out", tmp_path / "file" / "folder"), tmp_path / "file")


def test_mlforecast_that_is_not_installed_is_named(ruimte, monkeypatch):
    monkeypatch.delitem(sys.modules, "ruimte.jobs.peers", raising=False)
    monkeypatch.delattr("ruimte.jobs.peers", raising=False)
    monkeypatch.setitem(sys.modules, "mlforecast", None)
    refused(ruimte("backtest", "--methods", "last-week,mlforecast"), "package mlforecast", "is not installed", "ruimte[peers]")


# --- what is refused


@pytest.mark.parametrize("command", ["train", "forecast", "backtest"])
def test_without_a_database_or_with_an_empty_one_it_says_to_import(ruimte, road, command, tmp_path):
    mend = ("no observations yet", "typical in places.geojson") if command == "forecast" else ("no such database",)
    refused(ruimte(command, folder=tmp_path / "none"), "road.db", "import a file", *mend)
    refused(ruimte(command, folder=filled(road, tmp_path / "empty")), "holds no observations yet", "import a file")
    (tmp_path / "touched").mkdir()
    (tmp_path / "touched" / "road.db").touch()
    refused(ruimte(command, folder=tmp_path / "touched"), "road.db")
    (tmp_path / "touched" / "road.db").write_bytes(b"not a database" * 100)
    refused(ruimte(command, folder=tmp_path / "touched"), "road.db")


BAD = [
    ("train", ("--until", "yesterday"), "--until: 'yesterday' is not a time"),
    ("train", ("--until", "2019-01-01T00:00"), "days; to learn from takes"),
    ("train", (), "days; to learn from takes"),
    ("train", ("--pretrained", "--model", "/nowhere/x"), "/nowhere/x: cannot be read"),
    ("forecast", ("--horizon", "8d"), "--horizon: a forecast goes from one tick to seven days ahead"),
    ("forecast", ("--horizon", "15m"), "--horizon: a forecast goes from one tick"),
    ("forecast", ("--horizon", "0h"), "--horizon: a forecast goes from one tick"),
    ("forecast", ("--horizon", "soon"), "--horizon: "),
    ("forecast", ("--at", "noon"), "--at: 'noon' is not a time"),
    ("forecast", ("--at", "2031-01-01T00:00"), "--at: lies outside the data"),
    ("forecast", ("--at", "2019-01-01T00:00"), "--at: lies outside the data"),
    ("forecast", ("--model", "/nowhere/x"), "/nowhere/x: cannot be read"),
    ("forecast", ("--out", "/nowhere/at/all.parquet"), "/nowhere/at/all.parquet: cannot be written"),
    ("backtest", ("--methods", "last-year"), "--methods: no such method 'last-year'"),
    ("backtest", ("--methods", ""), "--methods: no such method ''"),
    ("backtest", ("--hours", "25"), "--hours: '25' is not hours of the day"),
    ("backtest", ("--hours", "six"), "--hours: 'six' is not hours of the day"),
    ("backtest", ("--hours", ""), "--hours: '' is not hours of the day"),
    ("backtest", ("--every", "0h"), "--origins, --every and --hours: the moments do not follow each other"),
    ("backtest", ("--every", "10m"), "--origins, --every and --hours: the moments do not follow each other"),
    ("backtest", ("--every", "1h", "--hours", "6,18"), "--origins, --every and --hours: the moments do not follow"),
    ("backtest", ("--every", "soon"), "--every: "),
    ("backtest", ("--every", "5000w"), "--from, --origins and --every: from "),
    ("backtest", ("--horizon", "8d"), "--horizon: a forecast goes from one tick to seven days ahead"),
    ("backtest", ("--horizon", "15m"), "--horizon: a forecast goes from one tick"),
    ("backtest", ("--from", "2019-01-01T00:00"), "--from, --origins and --every: from 2019-01-01T00:00"),
    ("backtest", ("--from", "2031-01-01T00:00"), "--from, --origins and --every: from 2031-01-01T00:00"),
    ("backtest", ("--from", "2026-01-06T00:00", "--every", "1d"), "--from: no week of history lies before the first moment"),
    ("backtest", ("--from", "9999-12-31T23:59", "--every", "1d"), "--from"),
    ("backtest", ("--from", "0001-01-01T00:00"), "--from"),
    ("backtest", ("--model", "/nowhere/x"), "/nowhere/x: cannot be read"),
    ("backtest", ("--origins", "10000"), "fewer --origins"),
    ("backtest", ("--every", "1h", "--origins", "10000", "--from", "9999-12-30T00:00"), "--from, --origins and --every: from "),
    ("forecast", ("--at", "9999-12-31T23:59"), "--at: lies outside the data"),
    ("forecast", ("--typical", "0"), "--typical: 0.0 is not above 0"),
    ("forecast", ("--typical", "-3"), "--typical: -3.0 is not above 0"),
    ("forecast", ("--typical", "nan"), "--typical: nan is not above 0"),
    ("forecast", ("--typical", "inf"), "--typical: inf is not above 0"),
]


@pytest.mark.parametrize(("command", "arguments", "what"), BAD)
def test_bad_input_is_one_line(ruimte, command, arguments, what):
    refused(ruimte(command, *arguments), what)


def test_a_model_that_is_damaged_or_newer_or_none_is_refused_where_it_is_named(ruimte, data, tmp_path):
    path = tmp_path / "bad.ruimte-model"
    about = About(name="x", made="2026-01-01T00:00:00Z", sources=["y"], from_=["2024-01-01"], until=["2025-01-01"], command="z")
    write_bundle(path, Bundle(about, plain()))
    good = path.read_bytes()
    newer = good[:16] + (99).to_bytes(2, "big") + good[18:]
    for damaged, what in ((good[:-1], "is damaged"), (newer, "format 99"), (b"PK", "is not a forecast model"), (b"", "is not a")):
        path.write_bytes(damaged)
        for command in ("forecast", "backtest", "train"):
            more = ("--pretrained",) if command == "train" else ()
            refused(ruimte(command, *more, "--model", path), path, what)
    assert not (data / "models").exists()


def test_a_lab_whose_own_model_is_damaged_forecasts_with_the_one_that_comes_along_and_says_so(ruimte, data):
    before = told(ruimte("forecast", "--json"))
    told(ruimte("train", "--pretrained", "--json"))
    (path,) = (data / "models" / "road").glob("*.ruimte-model")
    path.write_bytes(path.read_bytes()[:-7])
    found = told(ruimte("forecast", "--json"))
    (note,) = found["notes"]
    assert str(path) in note
    assert "damaged" in note
    assert found["series"] == before["series"]
    assert note in ruimte("forecast").stdout
    refused(ruimte("backtest"), path, "is damaged", "--roll-back")
    (data / "models" / "road" / "register.json").write_text("{")
    assert "register.json" in told(ruimte("forecast", "--json"))["notes"][0]
    refused(ruimte("train", "--list"), "register.json", "cannot be read")
    refused(ruimte("train", "--pretrained"), "register.json", "cannot be read")


def test_a_lab_whose_register_does_not_hold_the_algorithm_is_not_forecast(ruimte, road, tmp_path):
    folder = tmp_path / "road"
    shutil.copytree(road, folder)
    edit(folder / "algorithms.toml", ('key = "learned-ratio"', 'key = "other"'))
    refused(ruimte("forecast", lab=folder), "road/algorithms.toml", "'learned-ratio' is not registered", "add an [[algorithm]]")


def test_ticks_of_two_hours_are_refused(ruimte, road, tmp_path):
    folder = tmp_path / "road"
    shutil.copytree(road, folder)
    edit(folder / "lab.toml", ('length = "1h"', 'length = "2h"'), ('look_ahead = "1h"', 'look_ahead = "4h"'))
    for command in ("train", "forecast", "backtest"):
        refused(ruimte(command, lab=folder), "lab.toml: ticks.length", "ticks that an hour is made of", "use 1m, 5m")


def test_where_the_models_cannot_be_written_it_is_told(ruimte, data):
    (data / "models").write_text("in the way")
    refused(ruimte("train", "--pretrained"), "models", "cannot be")


# --- zones and gates


@pytest.fixture(scope="session")
def square(tmp_path_factory) -> tuple[Path, Path]:
    """The example lab at ticks of five minutes, and two weeks and a half of counts at all of its gates."""
    folder = tmp_path_factory.mktemp("labs") / "square"
    new_lab(folder)
    random = np.random.default_rng(3)
    tick = np.arange(18 * 288)
    busy = 40 * np.clip(np.sin(np.pi * (tick % 288 / 12 - 7) / 15), 0.005, None)
    came, strolled, shopped = (random.poisson(busy * share) for share in (1, 0.3, 0.2))
    left, back, gone = (np.concatenate([np.zeros(12), of[:-12]]) for of in (came, strolled, shopped))
    parts = {
        "square-west/count_in": came,
        "square-west/count_out": left,
        "square-street/count_in": strolled,
        "square-street/count_out": back,
        "street-east/count_in": shopped,
        "street-east/count_out": gone,
        "station-road/count": random.poisson(busy + 1),
    }
    data = filled(
        folder,
        tmp_path_factory.mktemp("square-data"),
        *((k, v.astype(float)) for k, v in parts.items()),
        interval_us=5 * MINUTE_US,
    )
    return folder, data


@pytest.mark.parametrize(("at", "horizon", "ticks"), [("15:00", "2h", 24), ("20:00", "12h", 144)])
def test_people_change_by_just_who_comes_and_goes(square, at, horizon, ticks):
    folder, data = square
    window = ("--horizon", horizon, "--at", f"2026-01-22T{at}", "--json")
    found = told(CliRunner().invoke(main, ["forecast", str(folder), "--data", str(data), *window]))
    assert len(found["valid"]) == ticks
    assert found["notes"] == []
    series = {each["key"]: np.array(each["quantiles"]) for each in found["series"]}
    kinds = {each["key"]: each["kind"] for each in found["series"]}
    assert [key for key, kind in kinds.items() if kind == "zone"] == ["square", "street"]
    assert kinds["station-road"] == "count point"
    ways = [key for key, kind in kinds.items() if kind == "gate"]
    assert sorted(ways) == sorted(
        f"{gate}/{way}" for gate in ("square-west", "square-street", "street-east") for way in ("in", "out")
    )
    for quantiles in series.values():
        assert (quantiles >= 0).all()
        assert (np.diff(quantiles, axis=1) >= -0.011).all()
    flow = {key: series[key][:, MEDIAN] / 12 for key in ways}  # persons/h in ticks of five minutes
    net = {
        "square": flow["square-west/in"] - flow["square-west/out"] - flow["square-street/in"] + flow["square-street/out"],
        "street": flow["square-street/in"] - flow["square-street/out"] + flow["street-east/in"] - flow["street-east/out"],
    }
    for zone, change in net.items():
        people = series[zone][:, MEDIAN]
        assert np.diff(people) == pytest.approx(change[1:], abs=0.03)
    assert series["square"][:, MEDIAN].max() > 50


def test_where_a_gate_is_not_watched_zones_and_gates_are_told_each_by_itself(square, tmp_path):
    folder = tmp_path / "square"
    shutil.copytree(square[0], folder)
    text = (folder / "sensors.toml").read_text(encoding="utf-8")
    head, *entries = text.split("[[sensor]]")
    kept = [each for each in entries if 'key = "street-east"' not in each]
    (folder / "sensors.toml").write_text("[[sensor]]".join([head, *kept]), encoding="utf-8")
    window = ("--horizon", "1h", "--at", "2026-01-22T15:00", "--json")
    found = told(CliRunner().invoke(main, ["forecast", str(folder), "--data", str(square[1]), *window]))
    assert found["notes"] == ["some gates have no sensor: zones and gates are forecast each by itself"]
    assert "street-east/in" not in [each["key"] for each in found["series"]]


# --- pretrain


@pytest.fixture
def melbourne(tmp_path, passed, monkeypatch):
    """A file as Melbourne publishes it, a package of Auckland's, and a learning that takes a second."""
    path = tmp_path / "melbourne.csv"
    lines = ["Date,Hour,SensorID,PedestrianCount"]
    for number, count in enumerate(passed):
        day = np.datetime64("2013-05-06") + number // 24
        lines.append(f"{day.item():%d-%b-%Y},{number % 24},{1},{count:.0f}")
    path.write_text("\n".join(lines) + "\n")
    monkeypatch.setattr(pretraining, "packaged_counts", lambda: path)
    monkeypatch.setattr(pretraining, "AUCKLAND", pretraining.MELBOURNE)
    for name, rounds in (("_MEDIAN_ROUNDS", 10), ("_SOON_ROUNDS", 10), ("_SCALE_ROUNDS", 5), ("APART", 5)):
        monkeypatch.setattr(learning, name, rounds)
    monkeypatch.setattr(pretraining, "ROWS", 10_000)
    return path


def pretrained(*arguments):
    return CliRunner().invoke(main, ["pretrain", *map(str, arguments)])


def test_the_model_that_comes_along_is_made_from_the_publishers_files(melbourne, tmp_path):
    out = tmp_path / "made.ruimte-model"
    found = told(pretrained("--melbourne", melbourne, "--until", "2013-09-02", "--out", out, "--json"))
    assert found["until"] == ["2013-09-02"] * 2
    assert found["from_"] == ["2013-05-06"] * 2
    assert "--until 2013-09-02" in found["command"]
    bundle = decode(out.read_bytes(), str(out))
    assert bundle.hours.per_day == 24
    assert bundle.about.sources == found["sources"]


def test_what_pretrain_cannot_do_is_one_line(melbourne, tmp_path):
    out = tmp_path / "made.ruimte-model"
    refused(pretrained("--melbourne", melbourne, "--until", "soon", "--out", out), "--until", "'soon' is not a day")
    refused(pretrained("--melbourne", tmp_path / "none.csv", "--out", out), "none.csv")
    refused(pretrained("--melbourne", melbourne, "--until", "1990-01-01", "--out", out), "too short to learn from")
    (tmp_path / "folder").mkdir()
    refused(pretrained("--melbourne", melbourne, "--until", "2013-08-01", "--out", tmp_path / "folder"), "cannot be written")
    (tmp_path / "bad.csv").write_text("Date,Hour,SensorID,PedestrianCount\n")
    refused(pretrained("--melbourne", tmp_path / "bad.csv", "--out", out), "bad.csv")
    assert not out.exists()
