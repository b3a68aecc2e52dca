"""A node whose sharing cannot begin: its control room goes on, and it is said plainly that nothing is shared."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace

import pytest

from ruimte.lab.new import new_lab
from ruimte.lab.read import read_lab
from ruimte.node import _sharing
from ruimte.web.settings import WebSettings


@pytest.fixture
def lab(tmp_path):
    new_lab(tmp_path / "lab")
    return read_lab(tmp_path / "lab")


def begin(lab, data):
    said: list[str] = []
    with contextlib.ExitStack() as stack:
        shared = _sharing(stack, SimpleNamespace(lab=lab), SimpleNamespace(), data, WebSettings(), "", said.append)
    return shared, said


@pytest.mark.parametrize("file", ["lab.log.db", "lab.spent.db", "lab.webhooks.db", "lab.keys.json"])
@pytest.mark.parametrize("holds", [b"garbage" * 1000, None], ids=["garbage", "a folder"])
def test_a_file_that_cannot_be_used(lab, tmp_path, file, holds):
    data = tmp_path / "data"
    data.mkdir()
    path = data / file
    if holds is None:
        path.mkdir()
    else:
        path.write_bytes(holds)
    path.chmod(0o700)
    shared, said = begin(lab, data)
    assert shared is None
    (line,) = said
    assert line.startswith("Sharing is off: ")
    assert file in line
    assert "\n" not in line


@pytest.mark.parametrize("party", ["police", "urn:nld:oin:123"])
def test_a_name_that_is_none_is_not_taken_for_good(lab, tmp_path, party):
    data = tmp_path / "data"
    data.mkdir()
    (data / "node.toml").write_text(f'[sharing]\nparty = "{party}"\n')
    shared, (line,) = begin(lab, data)
    assert shared is None
    assert "[sharing] party" in line
    assert not (data / "lab.log.db").exists()
