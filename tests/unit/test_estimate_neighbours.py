"""Who passes one gate passes the next: a crowd is seen by the neighbours, a counter that lies is alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from estimate_world import square
from ruimte.estimate.layout import layout_of
from ruimte.estimate.neighbours import unexplained
from ruimte.estimate.step_flows import Flows
from ruimte.model.place import OUTSIDE, Link, Model


def street() -> Model:
    """Outside, a street, a square; each way of both gates is a link: into the street, out of it, into the square, out of it."""
    one = square()
    ways = ((OUTSIDE, 0), (0, OUTSIDE), (0, 1), (1, 0))
    return replace(
        one,
        places=(one.places[0], replace(one.places[0], key="far", site="square")),
        links=tuple(Link(f"gate{k // 2}", "out" if k % 2 else "in", *way) for k, way in enumerate(ways)),
        streams=one.streams[:4],
    )


def alone(times: list[float]) -> np.ndarray:
    """Of links that usually carry 100 persons a tick, and now so many times that."""
    usual = np.full(4, 20.0)
    z = usual * np.sqrt(times)
    flow = Flows(z, np.zeros(4), z * z / 4, z / usual - 1.0, np.full(4, 9.0), usual)
    return unexplained(layout_of(street()), 0, flow, 2)


def test_who_comes_in_by_one_gate_and_goes_on_by_the_next_is_a_crowd():
    assert alone([3.0, 1.0, 3.0, 1.0]) == pytest.approx([0.0, 1.0, 0.0, 1.0])


def test_a_gate_of_which_no_neighbour_sees_anything_is_alone():
    assert alone([1.6, 1.0, 1.0, 1.0])[0] == pytest.approx(1.0)
    assert alone([1.0, 1.0, 0.4, 1.0])[2] == pytest.approx(1.0)


def test_what_part_of_them_the_neighbours_see_counts():
    """Of two hundred more who come in, fifty go on, and fifty back out."""
    assert alone([3.0, 1.5, 1.5, 1.0])[0] == pytest.approx(0.5)


def test_those_who_leave_again_by_the_same_gate_are_seen_there():
    assert alone([2.0, 2.0, 1.0, 1.0])[:2] == pytest.approx([0.0, 0.0])
