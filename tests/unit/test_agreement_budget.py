"""A node signs no agreement whose noise its lab cannot give, or for which nothing is left of the privacy budget."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from agreed import CITY, KEYS, METRO, NOW_S, POLICE, agreed, grant, privately, proposed, terms
from ruimte.errors import RuimteError
from ruimte.jobs.agreement_acts import Signer, act
from ruimte.jobs.agreement_files import write_agreement
from ruimte.jobs.agreement_lab import agreement_mistakes
from ruimte.jobs.agreements import Book, agreement_folders
from ruimte.lab.lab import Lab
from ruimte.lab.new import new_lab
from ruimte.lab.read import read_lab
from ruimte.share.agreement import Agreement, Grant, Privacy, What

NOW_US = NOW_S * 1_000_000
BUDGET = """
[privacy]
epsilon_per_day = 1.0
quantities = { people = 0.4 }
intervals = 8
assumption = "nobody is on the square for longer than two hours a day"
"""


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    folder = tmp_path / "lab"
    new_lab(folder)
    file = folder / "lab.toml"
    file.write_text(file.read_text(encoding="utf-8") + BUDGET, encoding="utf-8")
    return read_lab(folder)


def with_noise(epsilon: float, consumer: str = POLICE, intervals: int = 8) -> Grant:
    privacy = Privacy(epsilon_per_day=epsilon, intervals=intervals, assumption="two hours")
    what = What(kinds=("state",), zones=("*",), quantities=("people", "density"))
    return grant(consumer=consumer, lab="lab", what=what, form=privately(privacy=privacy))


def sign_as_city(lab: Lab, data: Path, agreement: Agreement) -> Agreement:
    path = data / "a.json"
    write_agreement(path, agreement)
    return act(path, "accept", Signer(KEYS[CITY], lab, data), CITY, NOW_US)


def test_what_fits_is_signed_and_what_no_longer_does_is_not(lab: Lab, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    book = Book(agreement_folders(lab, data), lambda: NOW_US)
    book.keep(agreed(with_noise(0.6)))
    metro = proposed(with_noise(0.5, METRO), parties=(CITY, METRO))
    with pytest.raises(RuimteError, match=r"reserves ε = 0\.5 a day, and 0\.4 of the lab's is left"):
        sign_as_city(lab, data, metro)
    assert CITY in sign_as_city(lab, data, proposed(with_noise(0.4, METRO), parties=(CITY, METRO))).signatures.accept


def test_two_grants_of_one_agreement_have_to_fit_together(lab: Lab, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    both = proposed(with_noise(0.6), with_noise(0.6, METRO), parties=(CITY, POLICE, METRO))
    with pytest.raises(RuimteError, match=r"reserves ε = 0\.6 a day, and 0\.4 of the lab's is left"):
        sign_as_city(lab, data, both)


def test_check_tells_of_terms_that_the_labs_noise_does_not_keep(lab: Lab) -> None:
    folder = lab.folder / "agreements"
    folder.mkdir()
    write_agreement(folder / "a.json", agreed(with_noise(0.5, intervals=9)))
    (mistake,) = agreement_mistakes(lab)
    assert mistake.what == "hides who is in 9 intervals a day, and the lab's noise hides who is in 8"
    assert mistake.place == "grants[0].properties.form"
    write_agreement(folder / "a.json", agreed(with_noise(0.5)))
    assert agreement_mistakes(lab) == []
    without = msgspec.structs.replace(lab.file, privacy=None)
    lab_without = Lab(**{name: getattr(lab, name) for name in lab.__slots__} | {"file": without})
    assert [each.what for each in agreement_mistakes(lab_without)] == ["asks for noise, and the lab has no [privacy]"]


def test_density_may_be_told_with_noise_and_levels_may_not() -> None:
    made = terms(form=privately(), what=What(kinds=("state",), zones=("*",), quantities=("people", "density")))
    agreed(grant(what=made.what, form=made.form))
    with pytest.raises(RuimteError, match="level cannot be given with noise"):
        agreed(grant(what=What(kinds=("state",), zones=("*",), quantities=("level",)), form=privately()))
