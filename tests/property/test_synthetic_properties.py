"""Laws of the invented world that hold on any day, with any behaviour: nobody appears, vanishes, or is squeezed in."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ruimte.lab.read import read_lab
from ruimte.labs import lab_folder
from ruimte.synthetic import Parameters, day

LAB = read_lab(lab_folder("boulevard"))
AREAS_M2 = np.array([zone.area_m2 for zone in LAB.zones.values()])

behaviour = st.builds(
    Parameters,
    visitors=st.floats(50, 1500),
    attendance=st.floats(0, 0.4),
    by_tram=st.floats(0, 1),
    festival_by_tram=st.floats(0, 1),
    festival_tram_every_s=st.floats(60, 1800),
    tram_seats=st.integers(1, 400),
    stay=st.floats(0.1, 3),
    tolerance_per_m2=st.floats(0.02, 6),
    patience_s=st.floats(1, 1e5),
    rain_flight=st.floats(0, 10),
    gate_per_m_s=st.floats(0.2, 2),
)


@settings(max_examples=25, deadline=None)
@given(behaviour, st.integers(0, 2**31), st.integers(0, 364), st.booleans())
def test_people_are_conserved_and_all_go_home(parameters: Parameters, seed: int, number: int, festival: bool) -> None:
    found = day(LAB, date(2026, 1, 1) + timedelta(days=number), seed, parameters, festival)
    net = found.flows[:, :, 0] - found.flows[:, :, 1]
    inside = np.zeros_like(found.people)
    for gate, each in enumerate(LAB.gates.values()):
        if each.from_ in LAB.zones:
            inside[:, found.zones.index(each.from_)] -= net[:, gate]
        if each.to in LAB.zones:
            inside[:, found.zones.index(each.to)] += net[:, gate]
    assert np.array_equal(found.people, inside.cumsum(axis=0))
    assert found.people.min() >= 0
    assert (found.people <= 5.4 * AREAS_M2 + 1).all()
    assert not found.people[-1].any()
