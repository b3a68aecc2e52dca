"""A scenario: what is done to the crowd, and when; from the playbook, or from a file of a few lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ruimte.errors import RuimteError
from ruimte.lab.actions import Named, check_actions, check_named
from ruimte.lab.files import ActionEntry, ScenarioFile, Text
from ruimte.lab.lab import Lab
from ruimte.lab.mistakes import Mistake
from ruimte.lab.tables import read_toml, typed
from ruimte.text import duration_us


@dataclass(frozen=True, slots=True)
class Step:
    """An action; if it tells no time of its own it works from ``takes_us`` after the decision, for ``lasts_us`` (None: ever)."""

    action: ActionEntry
    takes_us: int = 0
    lasts_us: int | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is done. ``measures``: keys of the playbook's measures in it, with those that they include."""

    key: str
    name: Text
    steps: tuple[Step, ...] = ()
    measures: tuple[str, ...] = ()


NOTHING = Scenario("nothing", {"en": "Nothing is done", "nl": "Er wordt niets gedaan"})
"""What every scenario is compared with."""


def scenario_of(lab: Lab, measures: Sequence[str]) -> Scenario:
    """The scenario in which these measures of the playbook are taken, with all that they include.

    Raises ``RuimteError`` for a measure that the playbook does not have.
    """
    found: list[Mistake] = []
    taken = _with_included(lab, measures, found)
    _raise(found)
    steps = tuple(step for key in taken for step in _steps(lab, key))
    name = lab.measures[measures[0]].name if len(measures) == 1 else " + ".join(measures)
    return Scenario("+".join(measures), name, steps, tuple(taken))


def playbook_scenarios(lab: Lab) -> list[Scenario]:
    """A scenario for each measure of the playbook that does something to the crowd that can be reckoned."""
    each = [scenario_of(lab, [key]) for key in lab.measures]
    return [scenario for scenario in each if scenario.steps]


def read_scenario(path: Path, lab: Lab) -> Scenario:
    """A scenario's TOML file, read and checked against the lab. Its key is the file's name.

    Raises ``RuimteError`` with the first mistake, and how many there are.
    """
    found: list[Mistake] = []
    read = read_toml(path.parent, path.name, found)
    if read is None:
        raise RuimteError(found[0].what, found[0].where, found[0].mend if path.exists() else "check the path")
    raw, spot = read
    file = typed(raw, ScenarioFile, spot)
    _raise(found)
    assert file is not None
    gates = {gate.key: (gate.from_, gate.to) for gate in lab.gates.values()}
    check_actions(file.action, Named(gates, lab.zones, [event.key for event in lab.events], lab.measures), spot)
    check_named(file.measures, lab.measures, "measure", spot, "measures")
    if not file.action and not file.measures:
        spot.mistake("nothing is done in this scenario", "add measures = […] or an [[action]]")
    _raise(found)
    taken = _with_included(lab, file.measures, found)
    steps = [step for key in taken for step in _steps(lab, key)] + [Step(action) for action in file.action]
    return Scenario(path.stem, file.name, tuple(steps), tuple(taken))


def _with_included(lab: Lab, measures: Sequence[str], found: list[Mistake]) -> list[str]:
    """Keys of these measures and of all that they include, each once. A lab that was read has no loops in it."""
    taken: list[str] = []
    waiting = list(reversed(measures))
    while waiting:
        key = waiting.pop()
        if key not in lab.measures:
            known = ", ".join(lab.measures) or "none at all"
            found.append(Mistake("playbook.toml", "", f"unknown measure {key!r}", f"there are {known}"))
        elif key not in taken:
            taken.append(key)
            waiting += reversed(lab.measures[key].includes)
    return taken


def _steps(lab: Lab, key: str) -> list[Step]:
    measure = lab.measures[key]
    lasts_us = None if measure.lasts is None else duration_us(measure.lasts)
    return [Step(action, duration_us(measure.takes), lasts_us) for action in measure.action]


def _raise(found: list[Mistake]) -> None:
    if found:
        more = f" (and {len(found) - 1} more mistakes)" if len(found) > 1 else ""
        raise RuimteError(found[0].what, found[0].where, found[0].mend + more)
