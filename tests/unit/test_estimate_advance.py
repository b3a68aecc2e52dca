"""``advance``: which rows count, what late ones change, and what outlives a change of the register."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from ruimte.clock import DAY_US, MINUTE_US
from ruimte.errors import RuimteError
from ruimte.estimate.advance import advance
from ruimte.model.observation import OBSERVATIONS, Flag, no_observations

TICK = 5 * MINUTE_US
DAWN = 20_000 * DAY_US
"""A midnight."""


def rows(*values):
    """Rows of (datastream, tick after dawn, result), with ``length``, ``delay`` and ``flags`` where they differ."""
    made = []
    for stream, tick, result, *other in values:
        more = {"length": TICK, "delay": 0, "flags": 0} | (other[0] if other else {})
        start = DAWN + tick * TICK
        end = start + more["length"]
        made.append((stream, start, end, end + more["delay"], result, more["flags"]))
    columns = zip(*made, strict=True)
    return pa.table([pa.array(list(c), f.type) for c, f in zip(columns, OBSERVATIONS, strict=True)], schema=OBSERVATIONS)


def at(tick):
    """The end of a tick after dawn."""
    return DAWN + (tick + 1) * TICK


def told(states, place=0):
    """Rows of one place by tick after dawn."""
    return {(row["start_us"] - DAWN) // TICK: row for row in states.to_pylist() if row["place"] == place}


def same(one, other):
    """Whether two tables of states are equal; missing equals missing."""
    return repr(one.to_pylist()) == repr(other.to_pylist())


@pytest.fixture
def street(make_model):
    return make_model([("street", "both")])


def test_a_count_becomes_a_flow_in_persons_a_second(street):
    _, states = advance(street, None, rows((1, 0, 300.0), (1, 1, 300.0)), at(1))
    seen = told(states)
    assert list(seen) == [0, 1]
    assert seen[1]["mean"] == pytest.approx(1.0, rel=0.01)
    assert seen[1]["q05"] < 1.0 < seen[1]["q95"]
    assert (seen[1]["observed"], seen[1]["age_us"]) == (1.0, 0)
    assert np.isnan(seen[1]["inflow"])


def test_silence_gives_ticks_of_its_own(street):
    state, first = advance(street, None, rows((1, 0, 30.0)), at(0))
    _, silent = advance(street, state, no_observations(), at(12))
    widths = [row["q95"] - row["q05"] for row in [*told(first).values(), *told(silent).values()]]
    assert len(widths) == 13
    assert np.all(np.diff(widths) > 0)
    assert told(silent)[12]["age_us"] == 12 * TICK
    assert told(silent)[12]["observed"] == 0.0


def test_before_the_first_row_there_is_nothing_to_tell(street):
    state, states = advance(street, None, no_observations(), at(5))
    assert states.num_rows == 0
    _, states = advance(street, state, rows((1, 6, 1.0)), at(6))
    assert list(told(states)) == [6]


@pytest.mark.parametrize(
    "row",
    [
        (99, 1, 500.0),
        (1, 1, 500.0, {"delay": TICK + 1}),
        (1, 4, 500.0, {"delay": -2 * TICK}),
        (1, 1, 500.0, {"flags": int(Flag.DOUBTFUL)}),
        (1, 1, float("nan")),
        (1, 1, 500.0, {"length": 0}),
    ],
    ids=["unknown datastream", "too late", "from the future", "doubtful", "missing", "empty interval"],
)
def test_rows_that_do_not_count(make_model, row):
    model = make_model([("street", "both")], lateness_us=TICK)
    plain = rows((1, 0, 30.0), (1, 2, 30.0))
    _, without = advance(model, None, plain, at(6))
    _, with_row = advance(model, None, pa.concat_tables([plain, rows(row)]), at(6))
    assert same(with_row, without)
    _, counted = advance(model, None, pa.concat_tables([plain, rows((1, 1, 500.0))]), at(6))
    assert not same(counted, without)


def test_a_row_counts_only_while_the_register_lets_its_sensor(street):
    one = replace(street.streams[0], valid_until_us=at(1))
    model = replace(street, streams=(one,))
    _, states = advance(model, None, rows((1, 0, 30.0), (1, 1, 30.0), (1, 2, 30.0)), at(2))
    assert [told(states)[tick]["observed"] for tick in range(3)] == [1.0, 1.0, 0.0]


def test_a_late_row_opens_its_tick_again(make_model):
    model = make_model([("street", "both")], lateness_us=2 * TICK)
    state, first = advance(model, None, rows((1, 0, 30.0), (1, 2, 30.0)), at(2))
    assert told(first)[1]["observed"] == 0.0
    state, revised = advance(model, state, rows((1, 1, 90.0, {"delay": 2 * TICK})), at(3))
    assert list(told(revised)) == [1, 2, 3]
    assert told(revised)[1]["observed"] == 1.0
    assert told(revised)[2]["mean"] > told(first)[2]["mean"]
    # now the tick is settled
    _, after = advance(model, state, rows((1, 1, 10.0, {"delay": 3 * TICK})), at(4))
    assert list(told(after)) == [4]


def test_a_revision_and_a_tombstone_within_the_lateness(make_model):
    model = make_model([("street", "both")], lateness_us=3 * TICK)
    state, _ = advance(model, None, rows((1, 0, 30.0), (1, 1, 30.0)), at(1))
    state, revised = advance(model, state, rows((1, 1, 3000.0, {"delay": 1})), at(2))
    assert told(revised)[1]["mean"] > 1.0
    _, withdrawn = advance(model, state, rows((1, 1, 3000.0, {"delay": TICK + 1, "flags": int(Flag.TOMBSTONE)})), at(3))
    assert told(withdrawn)[1]["observed"] == 0.0


def test_parts_of_a_tick_add_up(street):
    half = {"length": TICK // 2}
    _, states = advance(street, None, rows((1, 0, 30.0), (1, 1, 15.0, half), (1, 1.5, 15.0, half), (1, 2, 15.0, half)), at(2))
    seen = told(states)
    assert [seen[tick]["observed"] for tick in range(3)] == [1.0, 1.0, 0.5]
    assert seen[2]["mean"] == pytest.approx(0.1, rel=0.05)


def test_an_interval_that_crosses_a_tick_counts_where_it_ends(street):
    state, _ = advance(street, None, rows((1, 0, 30.0)), at(0))
    _, states = advance(street, state, rows((1, 0.5, 60.0)), at(1))
    assert told(states)[1]["observed"] == 1.0
    assert told(states)[1]["age_us"] == TICK // 2


FOUR = 47
"""The tick that ends at 04:00, when the zones are empty."""


def counts(stream, values, first=FOUR + 1):
    """Rows of one datastream from the empty hour on."""
    return [(stream, first + k, float(value)) for k, value in enumerate(values)]


def quiet(*streams):
    """Half an hour of nobody, up to the empty hour."""
    return [(stream, tick, 0.0) for stream in streams for tick in range(FOUR - 5, FOUR + 1)]


def test_two_zones_that_share_a_gate_keep_everybody(make_model):
    model = make_model([("east", "in")], [("east", "out"), ("west", "in")])
    came = rows(*quiet(1, 2), *counts(1, [50, 50, 50, 50]), *counts(2, [0, 0, 60, 0]))
    _, states = advance(model, None, came, at(FOUR + 4))
    east, west = told(states, 0), told(states, 1)
    assert east[FOUR + 2]["mean"] == pytest.approx(100, abs=8)
    assert east[FOUR + 4]["mean"] + west[FOUR + 4]["mean"] == pytest.approx(200, abs=10)
    assert west[FOUR + 4]["mean"] == pytest.approx(60, abs=8)
    assert east[FOUR + 3]["outflow"] == west[FOUR + 3]["inflow"] > 0


def test_people_are_not_known_before_the_first_empty_hour(make_model):
    model = make_model([("east", "in")], [("east", "out")])
    _, states = advance(model, None, rows(*[(s, t, 20.0) for s in (1, 2) for t in range(FOUR + 3)]), at(FOUR + 2))
    people = told(states)
    assert all(np.isnan(people[tick]["mean"]) for tick in range(FOUR))
    assert people[FOUR]["mean"] < 5
    assert np.isfinite(people[FOUR + 2]["mean"])
    # the flows are known all the while
    assert people[10]["inflow"] == pytest.approx(20 / 300, rel=0.2)


def test_a_zone_is_empty_at_its_hour(make_model):
    model = make_model([("east", "in")], [("east", "out")])
    came = [*quiet(1, 2), *counts(1, [20.0] * 300), *counts(2, [5.0] * 300)]
    _, states = advance(model, None, rows(*came), at(FOUR + 290))
    people = told(states)
    assert people[FOUR + 60]["mean"] == pytest.approx(900, rel=0.15)
    assert people[FOUR + 288]["mean"] < 10


def test_a_line_that_was_never_heard_makes_the_zone_less_and_less_sure(make_model):
    model = make_model([("east", "in")], [("east", "out")])
    small = replace(model, places=(replace(model.places[0], area_m2=150.0),))
    came = rows(*quiet(1), *counts(1, [20.0] * 40))
    _, states = advance(small, None, came, at(FOUR + 40))
    people = told(states)
    widths = [people[FOUR + k]["q95"] - people[FOUR + k]["q05"] for k in (1, 2, 3)]
    assert widths[0] < widths[1] < widths[2]
    assert np.isnan(people[FOUR + 40]["mean"])
    assert people[FOUR + 40]["observed"] == 0.5
    assert people[FOUR + 40]["left_out"] == [2]


def test_a_gate_that_no_sensor_watches_makes_the_zone_less_and_less_sure(make_model):
    model = make_model([("east", "in")], [("east", "out")])
    # a second gate, both ways, without any datastream
    open_gate = replace(
        model, links=(*model.links, replace(model.links[0], gate="open"), replace(model.links[1], gate="open", way="out"))
    )
    came = rows(*quiet(1, 2), *counts(1, [20.0] * 30), *counts(2, [20.0] * 30))
    closed, opened = (told(advance(each, None, came, at(FOUR + 30))[1]) for each in (model, open_gate))
    for tick in (FOUR + 2, FOUR + 12, FOUR + 30):
        width = {name: people[tick]["q95"] - people[tick]["q05"] for name, people in (("closed", closed), ("open", opened))}
        assert width["open"] > 1.3 * width["closed"]


def test_a_zone_without_any_datastream_is_not_known(street):
    model = replace(street, places=(*street.places, replace(street.places[0], key="square", quantity="people")))
    _, states = advance(model, None, rows((1, 0, 30.0)), at(0))
    lost = told(states, 1)[0]
    assert np.isnan(lost["mean"])
    assert (lost["observed"], lost["age_us"], lost["left_out"]) == (0.0, -1, [])


def test_an_interval_wider_than_half_of_what_the_zone_can_hold_is_not_known(make_model):
    model = make_model([("east", "in")], [("east", "out")])
    small = replace(model, places=(replace(model.places[0], area_m2=1.0),))
    came = rows(*quiet(1, 2), *counts(1, [30.0]), *counts(2, [30.0]))
    assert np.isfinite(told(advance(model, None, came, at(FOUR + 1))[1])[FOUR + 1]["mean"])
    assert np.isnan(told(advance(small, None, came, at(FOUR + 1))[1])[FOUR + 1]["mean"])


def test_a_register_with_one_more_or_less_keeps_the_other_filters(make_model):
    one = make_model([("a", "both")])
    two = make_model([("a", "both")], [("b", "both")])
    history = rows(*[(1, tick, 30.0 + tick % 3) for tick in range(50)])
    state, _ = advance(one, None, history, at(49))
    _, plain = advance(one, state, rows((1, 50, 31.0)), at(50))
    grown, more = advance(two, state, rows((1, 50, 31.0)), at(50))
    assert repr(told(more, 0)[50]) == repr(told(plain)[50])
    assert np.isnan(told(more, 1)[50]["mean"])
    _, fewer = advance(one, grown, rows((1, 51, 31.0)), at(51))
    _, two_more = advance(two, grown, rows((1, 51, 31.0)), at(51))
    assert repr(told(fewer)[51]) == repr(told(two_more, 0)[51])


def test_a_register_with_one_more_gate_keeps_what_is_known_of_the_people(make_model):
    few = make_model([("east", "in")], [("east", "out")])
    many = make_model([("east", "in")], [("east", "out")], [("east", "in")])
    state, states = advance(few, None, rows(*quiet(1, 2), *counts(1, [50.0] * 6), *counts(2, [10.0] * 6)), at(FOUR + 6))
    before = told(states)[FOUR + 6]["mean"]
    _, states = advance(many, state, rows((1, FOUR + 7, 0.0), (2, FOUR + 7, 0.0), (3, FOUR + 7, 5.0)), at(FOUR + 7))
    assert told(states)[FOUR + 7]["mean"] == pytest.approx(before + 5, abs=3)


def test_a_sensor_that_is_moved_in_the_middle_of_the_day_counts_where_it_hangs(make_model):
    """Two register entries of one device: at the gate in until tick 20 after the empty hour, then at the gate out."""
    model = make_model([("east", "in")], [("east", "out")], [("east", "out")])
    moved = at(FOUR + 20)
    here, other, there = model.streams
    model = replace(model, streams=(replace(here, valid_until_us=moved), other, replace(there, valid_from_us=moved, link=1)))
    model = replace(model, links=model.links[:2])
    came = rows(*quiet(1, 2), *counts(1, [30.0] * 30), *counts(2, [10.0] * 20), *counts(3, [12.0] * 10, FOUR + 21))
    _, states = advance(model, None, came, at(FOUR + 30))
    people = told(states)
    assert people[FOUR + 20]["left_out"] == []
    assert people[FOUR + 20]["mean"] == pytest.approx(400, rel=0.15)
    # the way in is not watched any more: guessed, and told so by a wider interval; its old sensor is not asked for
    assert people[FOUR + 30]["left_out"] == [2]
    assert people[FOUR + 30]["mean"] == pytest.approx(400 + 10 * 18, rel=0.25)
    assert people[FOUR + 30]["q95"] - people[FOUR + 30]["q05"] > people[FOUR + 20]["q95"] - people[FOUR + 20]["q05"]


def test_a_clock_that_jumps_an_hour_puts_nobody_anywhere_twice(make_model):
    model = make_model([("east", "in")], [("east", "out")], lateness_us=TICK)
    plain = [*quiet(1, 2), *counts(1, [10.0] * 24), *counts(2, [10.0] * 24)]
    # from tick 12 on the sensor's clock is an hour ahead: its rows lie in the future, and are left out; silence, not a crowd
    ahead = [
        (1, tick + 12, value, {"delay": -12 * TICK}) if tick > FOUR + 12 and stream == 1 else (stream, tick, value)
        for stream, tick, value in plain
    ]
    _, states = advance(model, None, rows(*ahead).sort_by("received_us"), at(FOUR + 24))
    people = told(states)
    assert people[FOUR + 24]["left_out"] == [1]
    assert people[FOUR + 24]["q05"] <= 60
    assert people[FOUR + 24]["mean"] < 100


def test_other_ticks_begin_afresh_and_go_on_telling(make_model):
    fine, coarse = make_model([("a", "both")]), make_model([("a", "both")], tick_us=3 * TICK)
    state, _ = advance(fine, None, rows(*[(1, tick, 10.0) for tick in range(6)]), at(5))
    _, states = advance(coarse, state, rows(*[(1, tick, 10.0) for tick in range(6, 12)]), at(11))
    assert [row["end_us"] for row in states.to_pylist()] == [at(8), at(11)]
    assert states["mean"][-1].as_py() == pytest.approx(10 / 300, rel=0.05)


def test_a_state_of_a_newer_version_is_refused(street):
    state, _ = advance(street, None, rows((1, 0, 30.0)), at(0))
    newer = msgspec.msgpack.encode(msgspec.msgpack.decode(state) | {"version": 99})
    with pytest.raises(RuimteError, match="estimator state: made by a newer Ruimte"):
        advance(street, newer, no_observations(), at(1))


def test_a_state_of_an_earlier_version_begins_anew(street):
    older = msgspec.msgpack.encode({"version": 1, "ticks": [TICK, 0], "settled": 3})
    _, states = advance(street, older, rows((1, 5, 30.0)), at(5))
    assert told(states)[5]["mean"] == pytest.approx(0.1, rel=0.05)


@pytest.mark.parametrize("body", [b"", b"\xc1", b"\x01", b"\x81\xa1a\x01"])
def test_what_is_no_state_is_refused_in_one_line(street, body):
    with pytest.raises(RuimteError, match="estimator state: cannot be read"):
        advance(street, body, no_observations(), at(1))


def test_the_arguments_are_left_as_they_were(street):
    state, _ = advance(street, None, rows((1, 0, 30.0)), at(0))
    kept, batch = bytes(state), rows((1, 1, 30.0))
    once = advance(street, state, batch, at(1))
    again = advance(street, state, batch, at(1))
    assert state == kept
    assert once[0] == again[0]
    assert same(once[1], again[1])
