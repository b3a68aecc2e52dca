"""The docs tell the truth: their examples run, their links lead somewhere, and every field and address is described."""

from __future__ import annotations

import doctest
import importlib.util
import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from fake_room import FakeAccounts, FakeRoom
from ruimte.cli import main
from ruimte.intake.mapping import Mapping
from ruimte.intake.tracks.track_mapping import TrackMapping, read_track_mapping
from ruimte.jobs.agreement_terms import GrantTable, PartyTable, TermsFile
from ruimte.jobs.compared import CompareView, Curve, Effect, LevelChance, MeasureEffect, Waiting, ZoneEffect
from ruimte.jobs.room import DistanceView, LogView, SensorView, Series, SkillView, Status, WarningView, ZoneView
from ruimte.jobs.sources import SourceView
from ruimte.lab import files
from ruimte.notify.channels import STEPS, EmailChannel, MqttChannel, PushChannel, WebhookChannel
from ruimte.share import agreement
from ruimte.web.app import create_app
from ruimte.web.settings import WebSettings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *DOCS.glob("*.md")])
NODES = ("demo", "serve")
"""Commands that run until they are stopped: of these only the options are checked."""
NAMES = [page.name for page in PAGES]


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: its language, its title (the name of a file, where it shows one) and its text."""

    language: str
    title: str | None
    text: str


COMPARED = [CompareView, Curve, Effect, LevelChance, MeasureEffect, Waiting, ZoneEffect]


COMPILES = "ruimte: first time on this machine: compiling (a minute or two)\n"
"""Told once on a machine, to whoever happens to be the first."""


def blocks(page: Path) -> Iterator[Block]:
    for fence in re.finditer(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', page.read_text(), re.MULTILINE | re.DOTALL):
        yield Block(fence[1], fence[2], fence[3])


def commands(block: Block) -> Iterator[tuple[list[str], str]]:
    """The commands of a console block that call ruimte, each with the output that the page promises."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        line, _, output = part.partition("\n")
        words = shlex.split(line, comments=True)
        if words[0] == "ruimte":
            yield words[1:], output


def matches(promised: str, printed: str) -> bool:
    """Whether the output is as promised; a line or part of a line that is ``…`` stands for anything."""
    pattern = ".*?".join(re.escape(part) for part in promised.strip().split("…"))
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_examples_run_as_the_page_shows_them(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUIMTE_DATA", str(tmp_path / "data"))
    for block in blocks(page):
        if block.title is not None:
            (tmp_path / block.title).write_text(block.text)
        if block.language != "console":
            continue
        for words, promised in commands(block):
            if words[0] in NODES:
                main.commands[words[0]].make_context(words[0], words[1:])
                continue
            done = CliRunner().invoke(main, words)
            assert done.exception is None or isinstance(done.exception, SystemExit), words
            printed = done.output.replace(COMPILES, "")
            assert matches(promised, printed), f"ruimte {shlex.join(words)} printed:\n{printed}"


def test_the_examples_of_this_test_can_fail() -> None:
    assert matches("rows read 4\n…\n0.1 s", "rows read 4\nmore\nmuch more\n0.1 s")
    assert not matches("rows read 4\n…", "rows read 5\n0.1 s")


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?://|mailto:)([^)]+)\)", _without_blocks(page)):
        path, _, anchor = target.partition("#")
        aim = (page.parent / path).resolve() if path else page
        assert aim.exists(), f"{page.name} links to {target}"
        assert not anchor or anchor in _anchors(aim), f"{page.name} links to {target}"


def test_every_page_is_in_the_menu() -> None:
    menu = (ROOT / "mkdocs.yml").read_text()
    assert sorted(re.findall(r"[\w-]+\.md", menu)) == sorted(page.name for page in DOCS.glob("*.md"))


def test_the_command_line_reference_is_what_its_script_writes() -> None:
    spec = importlib.util.spec_from_file_location("make_cli", DOCS / "make_cli.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert (DOCS / "cli.md").read_text() == script.page(), "run: python docs/make_cli.py"


def _fields(kind: type[msgspec.Struct]) -> list[str]:
    return [field.encode_name for field in msgspec.structs.fields(kind)]


@pytest.mark.parametrize(
    "kind",
    [
        files.LabFile,
        files.Ticks,
        files.Forecasting,
        files.Unusual,
        files.Warn,
        files.Retention,
        files.Map,
        files.Intake,
        files.Privacy,
        files.ZoneProperties,
        files.GateProperties,
        files.CountPointProperties,
        files.SensorEntry,
        files.DeviceEntry,
        files.AlgorithmEntry,
        files.MeasureEntry,
        files.ActionEntry,
        files.ScenarioFile,
        files.EventEntry,
        files.ArrivalEntry,
        files.SchoolHolidayEntry,
    ],
)
def test_every_field_of_a_lab_is_described(kind: type[msgspec.Struct]) -> None:
    text = (DOCS / "lab.md").read_text()
    assert [name for name in _fields(kind) if f"`{name}`" not in text] == []


@pytest.mark.parametrize(
    "kind",
    [
        agreement.Agreement,
        agreement.Content,
        agreement.Validity,
        agreement.Party,
        agreement.Grant,
        agreement.Terms,
        agreement.What,
        agreement.Form,
        agreement.Privacy,
        agreement.Duties,
        agreement.Signatures,
        TermsFile,
        PartyTable,
        GrantTable,
    ],
)
def test_every_field_of_an_agreement_is_described(kind: type[msgspec.Struct]) -> None:
    text = (DOCS / "sharing.md").read_text()
    assert [name for name in _fields(kind) if f"`{name}`" not in text] == []


@pytest.mark.parametrize("kind", [WebhookChannel, EmailChannel, MqttChannel, PushChannel])
def test_every_field_of_a_channel_is_described(kind: type[msgspec.Struct]) -> None:
    text = (DOCS / "notify.md").read_text()
    assert [name for name in _fields(kind) if f"`{name}`" not in text] == []


def test_every_step_that_a_channel_may_want_is_described() -> None:
    text = (DOCS / "notify.md").read_text()
    assert [step for step in STEPS if f"`{step}`" not in text] == []


@pytest.mark.parametrize(("kind", "page"), [(Mapping, "intake.md"), (TrackMapping, "track-files.md")])
def test_every_field_of_a_mapping_is_described(kind: type[msgspec.Struct], page: str) -> None:
    text = (DOCS / page).read_text()
    assert [name for name in _fields(kind) if f"`{name}`" not in text] == []


def test_the_example_of_reading_tracks_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = doctest.testfile(str(DOCS / "track-files.md"), module_relative=False)
    assert done.attempted > 5
    assert done.failed == 0


def test_the_mapping_of_tracks_that_is_shown_is_one(tmp_path: Path) -> None:
    (shown,) = [block for block in blocks(DOCS / "track-files.md") if block.language == "toml"]
    (tmp_path / "walk.toml").write_text(shown.text)
    assert read_track_mapping(tmp_path / "walk.toml").people == ["voetganger"]


@pytest.mark.parametrize(
    "kind",
    [Status, ZoneView, DistanceView, Series, SkillView, WarningView, LogView, SourceView, SensorView, *COMPARED],
    ids=lambda kind: kind.__name__,
)
def test_every_field_of_an_answer_is_described(kind: type[msgspec.Struct]) -> None:
    text = (DOCS / "api.md").read_text()
    assert [name for name in _fields(kind) if f"`{name}`" not in text] == []


def test_every_address_for_programs_is_described() -> None:
    app = create_app(FakeRoom(), FakeAccounts(), WebSettings())
    paths = {getattr(route, "path", "") for route in app.routes}
    wanted = {path for path in paths if path.startswith("/api/") or path in ("/healthz", "/readyz", "/metrics")}
    assert set(re.findall(r"^## `GET (\S+)`", (DOCS / "api.md").read_text(), re.MULTILINE)) == wanted


def test_the_mapping_that_documents_all_fields_is_toml_with_known_names() -> None:
    shown: list[dict[str, Any]] = [tomllib.loads(b.text) for b in blocks(DOCS / "intake.md") if b.language == "toml" and b.title]
    assert shown
    for mapping in shown:
        assert set(mapping) <= set(_fields(Mapping))


def test_the_changelog_tells_what_is_new() -> None:
    assert re.search(r"^## \[Unreleased\]\n\n\S", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def _without_blocks(page: Path) -> str:
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def _anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as MkDocs and GitHub make them."""
    headings = re.findall(r"^#+ (.+)$", _without_blocks(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
