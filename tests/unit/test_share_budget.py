"""The lab's ε of a day is divided among those whose agreements ask noise, and what does not fit gets none."""

from __future__ import annotations

from typing import Any

import pytest

from ruimte.clock import DAY_US, SECOND_US
from ruimte.errors import RuimteError
from ruimte.lab.files import Privacy
from ruimte.share.agreement import Duties, Form, Grant, Terms, What
from ruimte.share.agreement import Privacy as Noise
from ruimte.share.asking import Granted
from ruimte.share.budget import PUBLIC, check_fits, parts

NOW_US = 1_780_000_000 * SECOND_US
LAB = Privacy(
    epsilon_per_day=1.0,
    quantities={"people": 0.3, "flow": 0.3},
    intervals=8,
    passages=4,
    assumption="nobody stays longer than two hours",
)


def granted(consumer: str, epsilon: float = 0.4, starts_us: int = NOW_US - DAY_US, **changed: Any) -> Granted:
    what = What(kinds=changed.get("kinds", ("state",)), zones=("*",), quantities=changed.get("quantities", ("people",)))
    noise = Noise(epsilon_per_day=epsilon, intervals=changed.get("intervals", 8), assumption="two hours")
    exactness = changed.get("exactness", "private")
    form = Form(exactness=exactness, step=changed.get("step", "15m"), privacy=noise if exactness == "private" else None)
    duties = Duties(delete_after="30d", name_source="City")
    terms = Terms(purpose="open-data", legal_regime="none", legal_ground="none", what=what, form=form, duties=duties)
    return Granted(
        agreement=f"hash-{consumer}",
        index=0,
        grant=Grant(provider="urn:city", consumer=consumer, lab=changed.get("lab", "lab"), properties=terms),
        status=changed.get("status", "valid"),
        not_before_us=starts_us,
        not_after_us=changed.get("ends_us", NOW_US + DAY_US),
    )


def test_who_comes_first_has_its_part_and_who_no_longer_fits_has_none() -> None:
    late, early = granted("late", 0.4, NOW_US - 1), granted("early", 0.7, NOW_US - 2)
    small = granted("small", 0.3, NOW_US)
    found = parts([late, small, early], LAB, "lab", NOW_US)
    assert found.of == {"early": 700_000, "small": 300_000}
    assert (found.epsilon("early"), found.epsilon("late")) == (0.7, 0.0)
    assert list(found.without) == [("hash-late", 0)]
    assert "reserves ε = 0.4 a day, and 0.3 of the lab's is left" in str(found.without["hash-late", 0])
    assert found.total <= 1_000_000


def test_the_public_comes_first_and_what_it_has_need_not_be_reserved() -> None:
    public = Privacy(**{**{f: getattr(LAB, f) for f in LAB.__struct_fields__}, "public": ["people"]})
    found = parts([granted("a", 0.71), granted("b", 0.7, quantities=("flow",))], public, "lab", NOW_US)
    assert found.of == {PUBLIC: 300_000, "b": 700_000}
    assert parts([granted("a", 0.001)], public, "lab", NOW_US).without == {}


def test_only_agreements_that_stand_and_ask_noise_of_this_lab_have_a_part() -> None:
    others = [
        granted("revoked", status="revoked"),
        granted("over", ends_us=NOW_US),
        granted("elsewhere", lab="other"),
        granted("exact", exactness="exact"),
        granted("suppressed", exactness="suppressed"),
    ]
    assert parts(others, LAB, "lab", NOW_US).of == {}
    assert parts([granted("later", starts_us=NOW_US + 1)], LAB, "lab", NOW_US).of == {"later": 400_000}


def test_an_agreement_that_does_not_fit_cannot_be_signed() -> None:
    standing = [granted("a", 0.4), granted("b", 0.4)]
    check_fits(granted("c", 0.2, quantities=()), standing, LAB, "lab", NOW_US)
    check_fits(standing[0], standing, LAB, "lab", NOW_US)
    check_fits(granted("exact", exactness="exact"), standing, None, "lab", NOW_US)
    with pytest.raises(RuimteError, match=r"reserves ε = 0\.3 a day, and 0\.2 of the lab's is left"):
        check_fits(granted("c", 0.3), standing, LAB, "lab", NOW_US)
    with pytest.raises(RuimteError, match=r"the lab has no \[privacy\]"):
        check_fits(granted("c", 0.3), [], None, "lab", NOW_US)


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"intervals": 9}, "hides who is in 9 intervals a day, and the lab's noise hides who is in 8"),
        ({"step": "5m"}, "steps of 5m are not made of steps of 15m"),
        ({"quantities": ("outflow",)}, "outflow is not told with noise"),
        ({"quantities": ("level",)}, "level is not told with noise"),
        ({"quantities": ("people", "flow")}, r"its quantities cost ε = 0\.6 a day, and it reserves 0\.4"),
        ({"kinds": ("state", "forecast")}, "forecasts and warnings are not told with noise"),
    ],
)
def test_terms_that_the_labs_noise_cannot_keep(changed: dict[str, Any], what: str) -> None:
    with pytest.raises(RuimteError, match=what):
        check_fits(granted("a", **changed), [], LAB, "lab", NOW_US)
    assert parts([granted("a", **changed)], LAB, "lab", NOW_US).of == {}


def test_density_costs_what_people_cost_and_both_no_more() -> None:
    check_fits(granted("a", 0.3, quantities=("people", "density")), [], LAB, "lab", NOW_US)
