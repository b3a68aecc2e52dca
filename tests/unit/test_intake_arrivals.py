"""What devices send is refused with a reason, kept, or kept and marked."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from shapely.geometry import Point

from ruimte.clock import HOUR_US, MINUTE_US, to_us
from ruimte.intake.arrivals import KEPT, Arrivals, Gate
from ruimte.intake.register import Register
from ruimte.lab.files import Intake
from ruimte.lab.lab import CountPoint
from ruimte.model.observation import Flag

NOW = to_us(datetime(2026, 6, 1, 12, tzinfo=UTC))
IDS = {"bridge/count": 1, "square/people": 2, "mast/temperature": 3, "gone/count": 4}
STEP = 5 * MINUTE_US


@pytest.fixture
def gate(make_lab):
    lab = make_lab(
        {"key": "bridge", "interval": "5m", "max_per_interval": 100.0},
        {"key": "square", "interval": "5m", "measures": ["people"]},
        {"key": "mast", "interval": "5m", "measures": ["temperature"]},
        {"key": "gone", "interval": "5m", "valid_until": date(2026, 5, 31)},
    )
    return Gate(Register.of(lab, IDS), Intake())


def judge(gate, *rows, now=NOW):
    """Reasons (None where kept) and flags of rows of stream, minutes before noon at which they end, result."""
    arrivals = Arrivals.of([(stream, end - STEP, end, result, 0) for stream, end, result in rows])
    verdict = gate.judge(arrivals, now)
    reasons = [None if number == KEPT else verdict.reasons[number][0] for number in verdict.refusal.tolist()]
    return reasons, verdict.flags.tolist()


@pytest.mark.parametrize(
    ("stream", "end", "result", "reason"),
    [
        (9, NOW, 5.0, "the register knows no such datastream"),
        (4, NOW, 5.0, "outside the sensor's registered period"),
        (1, NOW + 2 * HOUR_US, 5.0, "ends more than 1h ahead of the node's clock"),
        (1, NOW, -1.0, "less than can be"),
        (1, NOW, float("inf"), "not a finite number"),
        (1, NOW, float("nan"), "not a finite number"),
        (3, NOW, -61.0, "less than can be"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(gate, stream, end, result, reason):
    assert judge(gate, (stream, end, result), (1, NOW - STEP, 5.0)) == ([reason, None], [0, 0])


def test_an_interval_has_the_registered_length_and_an_instant_none(gate):
    def refused(stream, start, end):
        return gate.judge(Arrivals.of([(stream, start, end, 5.0, 0)]), NOW).refusal[0] != KEPT

    assert refused(1, NOW - STEP // 2, NOW)
    assert refused(1, NOW, NOW)
    assert not refused(2, NOW, NOW)
    assert not refused(2, NOW - STEP, NOW)


def test_only_the_end_is_told(gate):
    assert gate.implied_start_us(1, NOW) == NOW - STEP
    assert gate.implied_start_us(2, NOW) == NOW


def test_frost_is_no_mistake(gate):
    assert judge(gate, (3, NOW, -12.0)) == ([None], [0])


def test_more_than_can_pass_or_from_a_clock_that_is_ahead_is_doubtful(gate):
    rows = (1, NOW - STEP, 101.0), (1, NOW + 3 * MINUTE_US, 5.0), (3, NOW, 61.0)
    assert judge(gate, *rows) == ([None] * 3, [Flag.DOUBTFUL] * 3)


def test_a_value_that_has_stood_still_for_too_long_is_doubtful_until_it_moves(gate):
    def at(step, result):
        return judge(gate, (1, NOW + step * STEP, result), now=NOW + step * STEP)[1][0]

    assert [at(step, 7.0) for step in range(1, 74)] == [0] * 71 + [Flag.DOUBTFUL] * 2
    assert at(74, 8.0) == 0
    assert at(75, 8.0) == 0


def test_a_quiet_night_is_not_frozen(gate):
    flags = [judge(gate, (1, NOW + step * STEP, 0.0), now=NOW + step * STEP)[1][0] for step in range(100)]
    assert set(flags) == {0}


def test_an_interval_that_overlaps_the_last_is_doubtful_and_one_that_repeats_it_is_not(gate):
    assert judge(gate, (1, NOW - STEP, 5.0), (1, NOW - MINUTE_US, 6.0), (1, NOW - MINUTE_US, 9.0))[1] == [0, Flag.DOUBTFUL, 0]
    assert judge(gate, (1, NOW - 3 * STEP, 5.0))[1] == [0]


def test_a_gate_lets_through_what_its_width_can_pass(make_lab):
    lab = make_lab({"key": "bridge", "interval": "5m", "place": "door", "max_per_interval": 10_000.0})
    lab.count_points["door"] = CountPoint("door", "Door", Point(4.9, 52.4), 2.0, None)
    gate = Gate(Register.of(lab, IDS), Intake())
    assert judge(gate, (1, NOW, 820.0))[1] == [0]
    assert judge(gate, (1, NOW, 821.0))[1] == [Flag.DOUBTFUL]
