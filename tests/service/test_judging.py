"""How good warnings are, on a lab whose past is replayed: what is told beside what came."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from ruimte.cli import main
from ruimte.clock import from_us
from ruimte.jobs.judging import as_dict, judge_warnings, lines
from ruimte.jobs.models import shipped
from ruimte.warn.quality import METHODS

from .conftest import NOW, moment


@pytest.fixture
def judged(start):
    run = start()
    for _ in range(10):
        run.tick()
    return run


def test_a_replay_tells_of_every_method_and_level(judged):
    run = judged
    found = judge_warnings(run.station.lab, run.station.model, run.store, shipped(), moment(NOW - 12), moment(NOW + 8))
    assert found.days == pytest.approx(20 / 24)
    assert set(found.alarms) == set(METHODS)
    for methods in found.levels.values():
        tallies = {method: methods[method].tally for method in METHODS}
        # the same passages are asked of all, and each is hit or missed
        assert len({each.passages for each in tallies.values()}) == 1
        assert all(len(each.leads) + each.missed == each.passages for each in tallies.values())
        assert all(0 <= each.false <= each.alarms for each in tallies.values())
    told = as_dict(found)
    assert json.loads(json.dumps(told)) == told
    table = lines(found)
    assert sum(line.split()[1:2] == ["ruimte"] for line in table) == len(found.levels)


def test_the_truth_decides_where_it_is_known(judged):
    run = judged
    calm = judge_warnings(
        run.station.lab,
        run.station.model,
        run.store,
        shipped(),
        moment(NOW - 12),
        moment(NOW + 8),
        truth=lambda first, count: np.zeros((len(run.station.model.places), count)),
    )
    for methods in calm.levels.values():
        for method in METHODS:
            one = methods[method].tally
            assert (one.passages, one.false) == (0, one.alarms)


def test_the_command_prints_writes_and_refuses(judged, folder, tmp_path):
    run = judged
    data = Path(run.store.path).parent
    times = [
        "--from",
        f"{from_us(moment(NOW - 12)):%Y-%m-%dT%H:%M}+00:00",
        "--to",
        f"{from_us(moment(NOW + 6)):%Y-%m-%dT%H:%M}+00:00",
    ]

    def call(*more):
        return CliRunner().invoke(main, ["warn", "evaluate", str(folder), "--data", str(data), *more])

    good = call(*times, "--out", str(tmp_path / "pictures"))
    assert good.exit_code == 0, good.output
    assert "alarms a day by priority" in good.output
    short = call("--from", times[1], "--to", times[1])
    assert (short.exit_code, short.output.count("\n")) == (1, 1)
    assert "the end lies before the beginning" in short.output
    wrong = tmp_path / "truth.parquet"
    wrong.write_text("no table")
    refused = call(*times, "--truth", str(wrong))
    assert refused.exit_code == 1
    assert "is not a table of what came" in refused.output
    keys = [place.key for place in run.station.model.places]
    table = pa.table({"place": [keys[0]], "end_us": [moment(NOW)], "people": [1.0]})
    pq.write_table(table, tmp_path / "known.parquet")
    assert call(*times, "--truth", str(tmp_path / "known.parquet")).exit_code == 0
