"""An agreement beside the lab that it speaks of: whether what it gives is there."""

from __future__ import annotations

from collections.abc import Sequence

from ruimte.clock import SECOND_US
from ruimte.errors import RuimteError
from ruimte.jobs.agreement_files import SUFFIX, read_agreement
from ruimte.lab.lab import Lab
from ruimte.lab.mistakes import Mistake
from ruimte.share.agreement import ALL, Agreement, Terms
from ruimte.share.asking import Granted
from ruimte.share.budget import check_fits, check_terms
from ruimte.share.contract import check, content_hash
from ruimte.text import duration_us

_OF_LINES = ("flow",)
_OF_ZONES = ("people", "density", "inflow", "outflow")


def against_lab(agreement: Agreement, lab: Lab) -> None:
    """Raise ``RuimteError`` with the first thing that the grants of this lab name and it does not have.

    Grants of other labs are not looked at: they are their own to check.
    """
    for index, grant in enumerate(agreement.content.grants):
        if grant.lab == lab.key:
            _check_grant(grant.properties, lab, f"grants[{index}].properties")


def against_party(agreement: Agreement, lab: Lab, party: str) -> None:
    """Raise ``RuimteError`` where the party of this lab's node gives something, and nothing of this lab.

    A party may have several labs, each with a node of its own: that one grant is of this lab is enough.
    """
    given = {grant.lab for grant in agreement.content.grants if grant.provider == party}
    if given and lab.key not in given:
        what = f"{party} gives of lab {' and '.join(sorted(given))}; this node's is {lab.key}"
        raise RuimteError(what, "grants", f'propose it with lab = "{lab.key}", or take the node of that lab')


def against_budget(agreement: Agreement, lab: Lab, standing: Sequence[Granted], at_us: int) -> None:
    """Raise ``RuimteError`` where the lab's privacy budget does not hold this agreement beside those that stand."""
    hashed, validity = content_hash(agreement.content), agreement.content.validity
    beside = [one for one in standing if one.agreement != hashed]
    for index, grant in enumerate(agreement.content.grants):
        candidate = Granted(
            agreement=hashed,
            index=index,
            grant=grant,
            status="valid",
            not_before_us=validity.not_before * SECOND_US,
            not_after_us=validity.not_after * SECOND_US,
        )
        check_fits(candidate, beside, lab.file.privacy, lab.key, at_us)
        beside.append(candidate)


def agreement_mistakes(lab: Lab) -> list[Mistake]:
    """What is wrong with the files in the lab's folder ``agreements``. One that was revoked or has expired is no mistake."""
    folder = lab.folder / "agreements"
    found = []
    for path in sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else ():
        try:
            agreement = read_agreement(path)
            check(agreement)
            against_lab(agreement, lab)
        except RuimteError as error:
            place = "" if error.where == str(path) else error.where
            found.append(Mistake(f"agreements/{path.name}", place, error.what, error.mend))
    return found


def _check_grant(terms: Terms, lab: Lab, at: str) -> None:
    what, form = terms.what, terms.form
    zones = {*lab.zones, *lab.count_points} if ALL in what.zones else set(what.zones)
    gates = set(lab.gates) if ALL in what.gates else set(what.gates)
    for field, named, known in (
        ("zones", what.zones, {ALL, *lab.zones, *lab.count_points}),
        ("gates", what.gates, {ALL, *lab.gates}),
    ):
        if unknown := [key for key in named if key not in known]:
            mend = f"name {field} of {lab.key}'s places.geojson"
            raise RuimteError(f"{lab.key} has no {field[:-1]} {unknown[0]!r}", f"{at}.what.{field}", mend)
    for name, members in form.areas.items():
        points = [key for key in members if key in lab.count_points]
        if len(members) > 1 and points:
            what_is = f"{points[0]!r} of {name!r} is a count point, which holds nobody"
            raise RuimteError(what_is, f"{at}.form.areas", "make areas of zones")
    if what.kinds and duration_us(form.step) % duration_us(lab.file.ticks.length):
        mend = f"use a multiple of the lab's tick, {lab.file.ticks.length}"
        raise RuimteError(f"{form.step} is not a whole number of ticks", f"{at}.form.step", mend)
    if form.exactness == "private":
        check_terms(terms, lab.file.privacy, f"{at}.form")
    for quantity in what.quantities:
        if quantity in _OF_ZONES and not zones & lab.zones.keys():
            raise RuimteError(
                f"{quantity} is of zones, and none is given", f"{at}.what.quantities", "leave it out, or give zones"
            )
        if quantity in _OF_LINES and not gates and not zones & lab.count_points.keys():
            mend = "leave it out, or give gates or count points"
            raise RuimteError(f"{quantity} is of gates and count points, and none is given", f"{at}.what.quantities", mend)
