"""What measures do to the crowd, and scenarios: what is wrong with them is told, with the way to mend it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ruimte.errors import RuimteError
from ruimte.lab.check import check_lab
from ruimte.lab.lab import Lab
from ruimte.lab.new import new_lab
from ruimte.lab.read import read_lab
from ruimte.lab.scenario import playbook_scenarios, read_scenario, scenario_of
from ruimte.labs import lab_folder

MINUTE_US = 60_000_000
PLAYBOOK_END = '\n[[measure]]\nkey = "last"\nname = "Last"\ntext = "It."\ndecides = "All"\npriorities = [1]\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    new_lab(tmp_path / "lab")
    return tmp_path / "lab"


@pytest.fixture
def lab(folder: Path) -> Lab:
    return read_lab(folder)


def mistakes(folder: Path, added: str) -> list[str]:
    path = folder / "playbook.toml"
    path.write_text(path.read_text() + PLAYBOOK_END + added)
    return [str(mistake) for mistake in check_lab(folder)[1]]


ACTION_MISTAKES = [
    ('do = "shut"\ngate = "square-west"', "unknown action 'shut'; choose one of close, open"),
    ('do = "close"\ngate = "sqare-west"', "unknown gate 'sqare-west'; did you mean 'square-west'?"),
    (
        'do = "close"\ngate = "xyz"',
        "unknown gate 'xyz'; there is none of that name; there are square-street, square-west, street-east",
    ),
    ('do = "close"\nzone = "squar"', "unknown zone 'squar'; did you mean 'square'?"),
    ('do = "close"', "'close' needs gate or zone; give one: gate or zone"),
    ('do = "close"\ngate = "square-west"\nzone = "square"', "'close' needs gate or zone"),
    ('do = "close"\ngate = "square-west"\nper_minute = 3', "'close' has no per_minute; leave it out"),
    ('do = "dose"\ngate = "square-west"', "'dose' needs per_minute; add per_minute = …"),
    ('do = "dose"\ngate = "square-west"\nper_minute = -3', "below 0"),
    ('do = "width"\ngate = "square-west"\nwidth_m = 0', "a gate of no width; write do = 'close'"),
    ('do = "one-way"\ngate = "square-west"', "'one-way' needs to know which way: write way = in or way = out"),
    ('do = "close"\ngate = "square-west"\nway = "up"', "unknown way 'up'; choose one of in, out, both"),
    ('do = "redirect"\ngate = "square-west"\nto_gate = "street-east"\nshare = 1.5', "not a share"),
    ('do = "redirect"\ngate = "square-west"\nto_gate = "square-west"\nshare = 0.5', "led to the gate where they were going"),
    ('do = "stop-arrivals"\ngate = "square-street"', "nobody arrives by gate 'square-street'"),
    ('do = "extend-event"\nevent = "summer-marke"\nby = "30m"', "unknown event 'summer-marke'; did you mean 'summer-market'?"),
    ('do = "extend-event"\nevent = "summer-market"\nby = "half"', "not a length of time"),
    ('do = "close"\ngate = "square-west"\nfrom = "25:00"', "'25:00' is not a time; write 21:30, or +10m after the decision"),
    ('do = "close"\ngate = "square-west"\nfrom = "+ten"', "not a length of time"),
    ('do = "close"\ngate = "square-west"\nfrom = "+20m"\nuntil = "+10m"', "ends (+10m) before it begins (+20m)"),
    ('do = "close"\ngate = "square-west"\nfrom = "21:30"\nuntil = "21:30"', "ends when it begins"),
    ('do = "close"\ngates = "square-west"', "unknown field 'gates'; did you mean 'gate'?"),
]


@pytest.mark.parametrize(("action", "said"), ACTION_MISTAKES, ids=[said[:40] for _, said in ACTION_MISTAKES])
def test_a_mistake_in_an_action_is_told_with_its_place(folder: Path, action: str, said: str) -> None:
    found = mistakes(folder, f"\n[[measure.action]]\n{action}\n")
    assert any(said in line for line in found), found
    assert all(line.startswith("playbook.toml, measure 5 'last' action 1") for line in found)


def test_the_line_of_a_mistake_is_that_of_its_own_action(folder: Path) -> None:
    good = '\n[[measure.action]]\ndo = "close"\ngate = "square-west"\n'
    found = mistakes(folder, good + '\n[[measure.action]]\ndo = "close"\ngate = "square-wst"\n')
    line = (folder / "playbook.toml").read_text().splitlines().index('gate = "square-wst"') + 1
    assert found == [
        f"playbook.toml, measure 5 'last' action 2 field gate (line {line}): unknown gate 'square-wst';"
        " did you mean 'square-west'?"
    ]


def test_gates_without_a_common_side_cannot_take_over_from_each_other(tmp_path: Path) -> None:
    lab = read_lab(lab_folder("hardbruecke"))
    gates = {**lab.gates, "ost-nord": replace(lab.gates["ost-nord"], from_="platform-west")}
    path = tmp_path / "s.toml"
    path.write_text('format = 1\nname = "x"\n[[action]]\ndo = "redirect"\ngate = "ost-nord"\nto_gate = "other"\nshare = 0.5\n')
    other = replace(lab.gates["ost-sued"], key="other", from_="outside", to="elsewhere")
    with pytest.raises(RuimteError, match="nobody can go to 'other' instead of 'ost-nord': they have no side in common"):
        read_scenario(path, replace(lab, gates={**gates, "other": other}))


def test_measures_that_include_each_other_are_told_once_with_the_whole_loop(folder: Path) -> None:
    more = 'includes = ["b"]\n' + "".join(
        f'\n[[measure]]\nkey = "{key}"\nname = "x"\ntext = "x"\ndecides = "x"\npriorities = [1]\nincludes = ["{next_}"]\n'
        for key, next_ in (("b", "c"), ("c", "last"))
    )
    found = mistakes(folder, more)
    assert len(found) == 1
    assert "measures include each other: last → b → c → last; take one of them out" in found[0]


def test_a_measure_cannot_include_itself_or_what_is_not_there(folder: Path) -> None:
    found = mistakes(folder, 'includes = ["last", "stewrds"]\n')
    assert any("last → last" in line for line in found)
    assert any("unknown measure 'stewrds'; did you mean 'stewards'?" in line for line in found)


def test_a_measure_brings_what_it_includes(lab: Lab) -> None:
    scenario = scenario_of(lab, ["dose"])
    assert scenario.measures == ("dose", "stewards")
    assert [step.action.do for step in scenario.steps] == ["dose"]
    assert scenario.steps[0].takes_us == 10 * MINUTE_US
    assert scenario.steps[0].lasts_us == 60 * MINUTE_US


def test_an_unknown_measure_is_named(lab: Lab) -> None:
    with pytest.raises(RuimteError, match="unknown measure 'dance'; there are stewards"):
        scenario_of(lab, ["dance"])


def test_measures_that_can_be_reckoned_are_scenarios(lab: Lab) -> None:
    assert [scenario.key for scenario in playbook_scenarios(lab)] == ["announce", "dose", "hold"]
    assert [s.key for s in playbook_scenarios(read_lab(lab_folder("hardbruecke")))] == ["hold", "pass-by"]
    assert playbook_scenarios(read_lab(lab_folder("auckland"))) == []


def test_a_scenario_is_a_few_lines(lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / "west-shut.toml"
    path.write_text(
        'format = 1\nname = "West shut"\nmeasures = ["dose"]\n\n[[action]]\ndo = "close"\ngate = "square-west"\nfrom = "+10m"\n'
    )
    scenario = read_scenario(path, lab)
    assert scenario.key == "west-shut"
    assert [(step.action.do, step.action.from_) for step in scenario.steps] == [("dose", None), ("close", "+10m")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("format = 1\nname = 'x'\n", "nothing is done in this scenario"),
        ("format = 9\nname = 'x'\n", "newer"),
        ("format = 1\nname = 'x'\nmeasures = ['holt']\n", "unknown measure 'holt'; did you mean 'hold'?"),
        ("format = 1\nname = 'x'\n[[action]]\ndo = 'close'\ngate = 'wst'\n", "action 1 field gate (line 5): unknown gate 'wst'"),
        ("format = 1\nname = 'x'\n[[action]]\ndo = 'close'\n[[action]]\ndo = 'close'\n", "(and 1 more mistakes)"),
        ("format = 1\nname = 'x'\naction = 3\n", "'action' is not a list of tables"),
        ("format = 1\nname = 'x'\naction = [3]\n", "not a table of fields"),
        ("name = ", "not TOML"),
    ],
)
def test_a_mistake_in_a_scenario_is_one_line(lab: Lab, tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "scenario.toml"
    path.write_text(text)
    with pytest.raises(RuimteError) as error:
        read_scenario(path, lab)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_scenario_that_is_not_there_is_told(lab: Lab, tmp_path: Path) -> None:
    with pytest.raises(RuimteError, match="missing; check the path"):
        read_scenario(tmp_path / "none.toml", lab)
