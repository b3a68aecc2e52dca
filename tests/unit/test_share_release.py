"""The form of what goes out: steps, areas, few people, rounding, and what follows from them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from ruimte.errors import RuimteError
from ruimte.lab.read import read_lab
from ruimte.share.asking import Granted
from ruimte.share.cells import Cells, cells
from ruimte.share.figures import Figures
from ruimte.share.places import lab_places, listed
from ruimte.share.release import base_span, cut, release
from share_world import MINUTE_US, NOON_US, PLACES, figures, granted, privacy

TICK_US = 5 * MINUTE_US
NAN = float("nan")


def common(*grants: Granted, since_us: int | None = 0, tick_us: int = TICK_US) -> Cells:
    return cells(grants, PLACES, tick_us, since_us=since_us)


def told(base: Figures, one: Granted, *others: Granted, since_us: int | None = 0) -> Figures:
    return release(base, one, PLACES, common(one, *others, since_us=since_us, tick_us=base.step_us))


def row(out: Figures, place: str, quantity: str, part: str = "value") -> list[Any]:
    cube = getattr(out, part)
    return cube[out.places.index(place), :, out.quantities.index(quantity)].tolist()  # type: ignore[no-any-return, arg-type]


def same(left: list[Any], right: list[Any]) -> bool:
    return bool(np.array_equal(left, right, equal_nan=True))


def test_a_step_is_the_mean_of_its_ticks() -> None:
    base = figures({"square": {"people": [10, 20, 60, 40, 50, 60], "inflow": [60, 120, 180, 0, 0, 90]}})
    out = told(base, granted(exactness="exact", step="15m", quantities=("people", "inflow")))
    assert out.step_us == 15 * MINUTE_US
    assert out.starts_us.tolist() == [NOON_US, NOON_US + 15 * MINUTE_US]
    assert row(out, "square", "people") == [30, 50]
    assert row(out, "square", "inflow") == [120, 30]
    assert np.allclose(row(out, "square", "people", "high"), [33, 55])
    assert not out.suppressed.any()


def test_steps_begin_on_midnight_and_only_whole_ones_are_told() -> None:
    base = figures({"square": {"people": [1, 2, 3, 4, 5]}}, begin_us=NOON_US + TICK_US)
    out = told(base, granted(exactness="exact", step="15m"))
    assert out.starts_us.tolist() == [NOON_US + 15 * MINUTE_US]
    assert row(out, "square", "people") == [4]
    assert told(figures({"square": {"people": [1, 2]}}), granted(exactness="exact", step="15m")).starts_us.tolist() == []


def test_steps_of_a_lab_whose_hours_begin_at_half_past() -> None:
    begin_us = NOON_US + 30 * MINUTE_US
    base = figures({"square": {"people": [1, 2]}}, tick_us=60 * MINUTE_US, begin_us=begin_us)
    out = told(base, granted(exactness="exact", step="2h"))
    assert out.starts_us.tolist() == [begin_us]


def test_a_tick_that_is_not_known_makes_the_step_not_known() -> None:
    base = figures({"square": {"people": [50, NAN, 60, 40, 50, 60]}, "street": {"people": [50] * 6}})
    out = told(base, granted(step="15m", areas={"centre": ("square", "street")}))
    assert same(row(out, "centre", "people"), [NAN, 100])
    assert row(out, "centre", "people", "suppressed") == [False, False], "not known is not the same as not told"
    gap = cut(base, from_us=NOON_US + TICK_US)
    without = Figures(**{f: getattr(gap, f) for f in gap.__slots__})
    assert told(without, granted(step="15m")).starts_us.tolist() == [NOON_US + 15 * MINUTE_US]


def test_a_tick_that_is_not_there_is_not_known() -> None:
    base = figures({"square": {"people": [50] * 6}})
    keep = [0, 1, 3, 4, 5]
    parts = {f: getattr(base, f)[:, keep] for f in ("value", "low", "high", "suppressed")}
    holed = Figures(base.kind, base.lab, base.places, base.quantities, base.starts_us[keep], base.step_us, **parts)
    assert same(row(told(holed, granted(step="15m")), "square", "people"), [NAN, 50])


def test_an_area_is_the_sum_and_has_no_flows() -> None:
    base = figures({"square": {"people": [30], "inflow": [600]}, "street": {"people": [12], "inflow": [600]}})
    out = told(base, granted(areas={"centre": ("square", "street")}, quantities=("people", "density", "level", "inflow")))
    assert out.places == ("centre",)
    assert row(out, "centre", "people") == [42]
    assert row(out, "centre", "density") == [42 / 150]
    assert row(out, "centre", "level") == [0]
    assert same(row(out, "centre", "inflow"), [NAN])
    assert not row(out, "centre", "inflow", "suppressed")[0]


def test_few_people_are_left_out_with_all_that_would_tell_of_them() -> None:
    base = figures({"square": {"people": [9.4, 0, 10], "inflow": [600] * 3, "outflow": [600] * 3}})
    out = told(base, granted(quantities=("people", "density", "level", "inflow", "outflow")))
    for quantity in ("people", "density", "level"):
        assert row(out, "square", quantity, "suppressed") == [True, True, False]
        assert np.isnan(row(out, "square", quantity)).tolist() == [True, True, False]
        assert np.isnan(row(out, "square", quantity, "low")).tolist() == [True, True, False]
    assert row(out, "square", "inflow", "suppressed") == [True, True, True], "of the block before the last they tell too"


def test_flows_count_those_who_pass_in_a_block() -> None:
    """Ten persons in five minutes are 120 an hour."""
    base = figures({"bridge": {"flow": [119, 120, 121, 600, 12]}})
    out = told(base, granted(zones=("bridge",), quantities=("flow", "level")))
    assert row(out, "bridge", "flow", "suppressed") == [True, False, False, False, True]
    assert same(row(out, "bridge", "flow"), [NAN, 120, 121, 600, NAN])
    assert row(out, "bridge", "level", "suppressed") == [True, False, False, False, True]


def test_in_and_out_are_told_together_or_not_at_all() -> None:
    many = [100.0] * 4
    base = figures({"square": {"people": many, "inflow": [600, 600, 600, 30], "outflow": [600, 30, 600, 600]}})
    out = told(base, granted(zones=("square",), quantities=("inflow", "outflow")))
    for quantity in ("inflow", "outflow"):
        assert row(out, "square", quantity, "suppressed") == [True, True, False, True], (
            "of the first the block before is not there"
        )


def through(inflow: float, outflow: float, ticks: int = 3) -> dict[str, list[float]]:
    return {"inflow": [inflow] * ticks, "outflow": [outflow] * ticks}


def test_inflow_of_a_zone_is_told_beside_one_of_its_gates_only_where_the_rest_is_enough() -> None:
    """Out of the square lead the arch (its inflow) and the alley (its outflow). 120 an hour are ten in five minutes."""
    zone = {"people": [100.0] * 3, **through(900, 900)}
    zones = granted(zones=("square", "quay"), quantities=("inflow",))
    gate = granted("b", zones=(), gates=("arch",), quantities=("inflow", "outflow"))

    def world(alley: dict[str, list[float]], arch: dict[str, list[float]] | None = None) -> Figures:
        return figures({"square": zone, "street": zone, "quay": zone, "alley": alley, "arch": arch or through(600, 600)})

    first = [True, False, False]  # of the first the block before is not there
    rare = world(through(600, 60))
    assert row(told(rare, zones), "square", "inflow", "suppressed") == first
    assert row(told(rare, zones, gate), "square", "inflow", "suppressed") == [True] * 3
    assert row(told(rare, zones, gate), "quay", "inflow", "suppressed") == first, "the arch is no way to the quay"
    assert row(told(world(through(600, 120)), zones, gate), "square", "inflow", "suppressed") == first
    assert row(told(world(through(600, NAN)), zones, gate), "square", "inflow", "suppressed") == [True] * 3
    one_way = told(world(through(600, 600), through(600, NAN)), gate, zones)
    assert same(row(one_way, "arch", "inflow"), [NAN, 600, 600])
    assert row(one_way, "arch", "outflow", "suppressed") == [False] * 3, "nobody counts who goes back: that is not known"


def test_flows_of_neighbours_are_told_only_where_what_they_do_not_share_is_enough() -> None:
    zone = {"people": [100.0] * 3, **through(900, 900)}
    both = granted(zones=("square", "street"), quantities=("inflow", "outflow"))
    for outward, suppressed in ((60, [True] * 3), (120, [True, False, False])):
        base = figures({"square": zone, "street": zone, "arch": through(600, 600), "alley": through(600, outward)})
        out = told(base, both)
        assert row(out, "square", "outflow", "suppressed") == suppressed
        assert row(out, "street", "inflow", "suppressed") == [True, False, False], "all who come to the street leave the square"
        alone = granted(zones=("square",), quantities=("inflow", "outflow"))
        assert row(told(base, alone), "square", "outflow", "suppressed") == [True, False, False]


def test_flows_beside_few_people_are_not_told() -> None:
    zone = {"people": [100.0] * 3, **through(900, 900)}
    few = figures({"square": zone | {"people": [100, 4, 100.0]}, "street": zone, "arch": through(600, 600)})
    gate = granted("b", zones=(), gates=("arch",), quantities=("inflow", "outflow"))
    assert row(told(few, gate), "arch", "inflow", "suppressed") == [True] * 3
    assert row(told(figures({"square": zone, "street": zone, "arch": through(600, 600)}), gate), "arch", "inflow")[1:] == [
        600,
        600,
    ]


def test_flows_around_few_people_are_not_told() -> None:
    """Through the alley people come into square and street together: with both at one moment, both at another follow."""
    zone = {"people": [100.0] * 4, **through(900, 900, 4)}
    base = figures({"square": zone, "street": zone | {"people": [100, 100, 4, 100.0]}, "alley": through(600, 600, 4)})
    alley = granted("b", zones=(), gates=("alley",), quantities=("inflow", "outflow"))
    people = granted(zones=("square", "street"), quantities=("people",))
    assert row(told(base, alley), "alley", "inflow", "suppressed") == [True, False, False, False], "nobody gets people"
    assert row(told(base, alley, people), "alley", "inflow", "suppressed") == [True, False, True, True]


def test_an_area_is_left_out_where_others_get_part_of_it_and_that_is_few() -> None:
    base = figures({"square": {"people": [30, 30]}, "street": {"people": [4, 12]}})
    both, one = granted(areas={"centre": ("square", "street")}), granted("b", zones=("square",))
    assert row(told(base, both), "centre", "people") == [34, 42]
    assert same(row(told(base, both, one), "centre", "people"), [NAN, 42])
    assert row(told(base, one, both), "square", "people") == [30, 30]


def test_a_step_is_left_out_where_others_get_part_of_it_and_that_is_few() -> None:
    base = figures({"square": {"people": [30, 30, 4, 30, 30, 12]}})
    quarter, ticks = granted(step="15m"), granted("b")
    assert row(told(base, quarter), "square", "people") == [21, 24]
    assert same(row(told(base, quarter, ticks), "square", "people"), [NAN, 24])
    crossing = granted("c", step="10m")  # with 15 minutes its common block is five
    assert same(row(told(base, quarter, crossing), "square", "people"), [NAN, 24])


def test_a_grant_that_comes_later_tells_nothing_that_can_be_subtracted_from_before() -> None:
    base = figures({"square": {"people": [30, 30, 30]}, "street": {"people": [4, 4, 12]}, "quay": {"people": [30, 30, 30]}})
    centre = granted(areas={"centre": ("square", "street")})
    assert row(told(base, centre), "centre", "people") == [34, 34, 42]
    late = granted("b", zones=("square", "quay"), begins_us=NOON_US + TICK_US)
    out = told(base, late, centre, since_us=None)
    assert same(row(out, "square", "people"), [NAN, 30, 30]), "34 - 30 would be the street"
    assert row(out, "quay", "people") == [30, 30, 30], "it hangs together with nothing"


def test_a_period_that_begins_within_the_step_in_which_a_grant_came() -> None:
    base = figures({"square": {"people": [30.0] * 12}}, begin_us=NOON_US + TICK_US)
    quarter, late = granted(step="15m"), granted("b", step="10m", begins_us=NOON_US + 2 * MINUTE_US)
    shared = common(quarter, late, since_us=None)
    for ticks in range(1, 9):
        from_us = NOON_US + ticks * TICK_US
        begin_us, end_us = base_span(quarter, shared, from_us, NOON_US + 9 * TICK_US)
        out = release(cut(base, from_us=begin_us, until_us=end_us), quarter, PLACES, shared)
        assert set(row(out, "square", "people")[2:]) <= {30.0}


def test_a_forecast_of_before_a_grant_tells_nothing_that_can_be_subtracted_from_what_was_told_of_it() -> None:
    base = figures({"square": {"people": [30, 30, 30]}, "street": {"people": [4, 4, 4]}, "quay": {"people": [30, 30, 30]}})
    made = replace(base, kind="forecast", issued_us=NOON_US - 2 * TICK_US)
    centre = granted(areas={"centre": ("square", "street")}, kinds=("forecast",))
    assert row(told(made, centre), "centre", "people") == [34, 34, 34]
    late = granted("b", zones=("square", "quay"), kinds=("forecast",), begins_us=NOON_US - TICK_US)
    assert same(row(told(made, late, centre, since_us=None), "square", "people"), [NAN, NAN, NAN]), "34 - 30 is the street"
    assert row(told(made, late, centre, since_us=None), "quay", "people") == [30, 30, 30]
    newer = replace(made, issued_us=NOON_US - TICK_US)
    assert row(told(newer, late, centre, since_us=None), "square", "people") == [30, 30, 30]
    assert same(row(told(newer, centre, late, since_us=None), "centre", "people"), [NAN, NAN, NAN])


def test_who_accepted_and_then_rejects_has_been_told_all_the_same() -> None:
    base = figures({"square": {"people": [30]}, "street": {"people": [4]}})
    centre = granted(areas={"centre": ("square", "street")})
    gone = msgspec.structs.replace(granted("b", status="rejected"), signed_us=1)
    assert same(row(told(base, centre, gone), "centre", "people"), [NAN])
    refused = granted("b", status="rejected")
    assert row(told(base, centre, refused), "centre", "people") == [34]


def test_late_grants_hang_together_in_time_too() -> None:
    base = figures({"square": {"people": [30, 30, 4, 30, 30, 12]}})
    quarter, late = granted(step="15m"), granted("b", begins_us=NOON_US + 60 * MINUTE_US)
    out = told(base, late, quarter, since_us=None)
    assert same(row(out, "square", "people"), [NAN, NAN, NAN, 30, 30, 12])


def test_a_gate_that_comes_later_is_not_told_of_the_time_when_its_zone_was() -> None:
    flows = {"people": [100.0] * 4, "inflow": [900.0] * 4, "outflow": [900.0] * 4}
    base = figures({"square": flows, "street": flows, "arch": {"inflow": [600.0] * 4}})
    zones = granted(zones=("square",), quantities=("inflow",))
    gate = granted("b", zones=(), gates=("arch",), quantities=("inflow",), begins_us=NOON_US + 2 * TICK_US)
    assert row(told(base, gate, zones, since_us=None), "arch", "inflow", "suppressed") == [True, True, False, False]
    alone = granted("b", zones=(), gates=("arch",), quantities=("inflow",), begins_us=NOON_US + 2 * TICK_US)
    assert row(told(base, alone, since_us=None), "arch", "inflow", "suppressed") == [True, False, False, False]


def test_what_is_only_proposed_or_not_suppressed_makes_no_cells() -> None:
    both = granted(areas={"centre": ("square", "street")})
    base = figures({"square": {"people": [30]}, "street": {"people": [4]}})
    for other in (
        granted("b", status="proposed"),
        granted("b", status="rejected"),
        granted("b", exactness="exact"),
        granted("b", exactness="private", privacy=privacy()),
        granted("b", step="1m"),
    ):
        assert row(told(base, both, other), "centre", "people") == [34]
    for ended in ("expired", "revoked"):
        assert same(row(told(base, both, granted("b", status=ended)), "centre", "people"), [NAN])
    after = cells([both, granted("b", status="expired")], PLACES, TICK_US, from_us=NOON_US + 400 * 86_400_000_000)
    assert after.cell == {}


def test_a_grant_that_the_cells_do_not_know_gets_nothing() -> None:
    base = figures({"square": {"people": [30]}, "quay": {"people": [30]}})
    quay = granted("b", zones=("quay",))
    assert release(base, quay, PLACES, common(granted())).suppressed.all()
    with pytest.raises(ValueError, match="without this grant"):
        release(base, granted("c", step="5m"), PLACES, common(granted(step="15m")))


def test_a_step_that_is_no_whole_number_of_ticks_is_refused() -> None:
    base = figures({"square": {"people": [30]}}, tick_us=2 * MINUTE_US)
    with pytest.raises(RuimteError, match=r"5m is not a whole number of the lab's ticks \(2m\)"):
        release(base, granted(exactness="exact"), PLACES, common(granted()))


def test_rounding_is_half_away_from_nothing_and_the_band_goes_outward() -> None:
    base = figures({"square": {"people": [14.9, 15, 24.9, 25, 34]}})
    out = told(base, granted(round_to=10, quantities=("people", "density")))
    assert row(out, "square", "people") == [10, 20, 20, 30, 30]
    assert row(out, "square", "people", "low") == [10, 10, 20, 20, 30]
    assert row(out, "square", "people", "high") == [20, 20, 30, 30, 40]
    assert row(out, "square", "density") == [0.1, 0.2, 0.2, 0.3, 0.3], "density tells no more than people do"


def test_levels_follow_from_what_is_told() -> None:
    """Fruin's walkway: A ends at 0.308 persons/m², B at 0.431."""
    base = figures(
        {"square": {"people": [31.0, 44, 216]}, "quay": {"people": [31, 31, 31.0]}, "bridge": {"flow": [5520, 5519, 99999]}}
    )
    exact = told(base, granted(zones=("square", "bridge"), exactness="exact", quantities=("level",)))
    assert row(exact, "square", "level") == [1, 2, 5]
    assert row(exact, "bridge", "level") == [1, 0, 4], "23 persons a minute and metre; a flow has no level F"
    rounded = told(base, granted(zones=("square",), round_to=100, quantities=("level",)))
    assert row(rounded, "square", "level") == [0, 0, 4]
    mixed = granted(zones=("square", "quay"), areas={"all": ("square", "quay")}, quantities=("level", "people"))
    assert np.isnan(row(told(base, mixed), "all", "level")).all(), "two tables are never mixed"
    assert row(told(base, mixed), "all", "people") == [62, 75, 247]


def test_private_figures_are_cut_off_last() -> None:
    base = figures({"square": {"people": [-8.2, 3.4, 26.0]}, "street": {"people": [5.0, 5.0, 5.0]}})
    out = told(base, granted(exactness="private", privacy=privacy(), minimum=0, round_to=5))
    assert row(out, "square", "people") == [0, 5, 25]
    assert min(row(out, "square", "people", "low")) == 0
    few = told(base, granted(exactness="private", privacy=privacy(), minimum=10))
    assert same(row(few, "square", "people"), [NAN, NAN, 26])
    area = granted(exactness="private", privacy=privacy(), minimum=10, areas={"centre": ("square", "street")}, step="15m")
    assert row(told(base, area), "centre", "people") == [12]


def test_what_comes_in_untold_goes_out_untold() -> None:
    base = figures({"square": {"people": [NAN, 30.0]}})
    base.suppressed[0, 0, 0] = True
    out = told(base, granted(exactness="private", privacy=privacy(), minimum=0))
    assert row(out, "square", "people", "suppressed") == [True, False]
    assert row(told(base, granted(exactness="private", privacy=privacy(), step="10m")), "square", "people", "suppressed") == [
        True
    ]


def test_a_forecast_keeps_when_it_was_made() -> None:
    base = figures({"square": {"people": [30, 4]}}, kind="forecast")
    made = Figures(**{f: getattr(base, f) for f in base.__slots__} | {"issued_us": NOON_US - 1})
    out = told(made, granted(kinds=("forecast",)))
    assert (out.kind, out.issued_us) == ("forecast", NOON_US - 1)
    assert same(row(out, "square", "people"), [30, NAN])


def test_places_that_the_lab_does_not_know_are_not_known() -> None:
    base = figures({"square": {"people": [30]}})
    out = told(base, granted(zones=("square", "gone"), quantities=("people", "level")))
    assert same(row(out, "gone", "people"), [NAN])
    assert not out.suppressed.any()


def test_no_ticks_give_no_steps() -> None:
    base = cut(figures({"square": {"people": [30]}}), until_us=NOON_US)
    for exactness in ("exact", "suppressed"):
        out = told(base, granted(exactness=exactness), since_us=None)
        assert out.value.shape == (2, 0, 2)


def test_a_cut_keeps_what_was_asked() -> None:
    out = told(figures({"square": {"people": [30, 40, 50]}}), granted())
    one = cut(out, ("square", "nowhere", "square"), ("density",), NOON_US + TICK_US, NOON_US + 2 * TICK_US)
    assert (one.places, one.quantities, one.starts_us.tolist()) == (("square",), ("density",), [NOON_US + TICK_US])
    assert one.value.tolist() == [[[0.4]]]
    assert one.low.shape == one.high.shape == one.suppressed.shape == (1, 1, 1)


def test_the_span_of_ticks_is_enough() -> None:
    flows = {"people": [100.0] * 36, "inflow": [900.0] * 36, "outflow": [900.0] * 36}
    base = figures({"square": flows}, begin_us=NOON_US - 60 * MINUTE_US)
    from_us, until_us = NOON_US, NOON_US + 30 * MINUTE_US
    for since_us in (0, NOON_US + 1):
        one, other = granted(quantities=("inflow",), zones=("square",)), granted("b", step="15m", zones=("square",))
        shared = cells([one, other], PLACES, TICK_US, since_us=since_us)
        span = base_span(one, shared, from_us, until_us)
        assert span[0] < from_us
        out = cut(release(cut(base, from_us=span[0], until_us=span[1]), one, PLACES, shared), from_us=from_us, until_us=until_us)
        assert len(out.starts_us) == 6
        assert not np.isnan(out.value).any()
    exact = granted(exactness="exact")
    assert base_span(exact, common(), from_us, until_us) == (from_us, until_us)


def test_places_of_a_real_lab() -> None:
    lab = read_lab(Path("src/ruimte/labs/boulevard"))
    places = lab_places(lab)
    assert list(places) == [*lab.zones, *lab.count_points, *lab.gates]
    everything = granted(zones=("*",), gates=("*",)).grant
    assert set(listed(everything, places)) == set(places)
    for key, zone in lab.zones.items():
        assert places[key].area_m2 == zone.area_m2
    for key, gate in lab.gates.items():
        assert places[key].sides == (gate.from_, gate.to)
