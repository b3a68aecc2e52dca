"""The page ``docs/conformance.md``, written from the table."""

from __future__ import annotations

from .table import REQUIREMENTS, TABLE

_HEAD = """\
# Conformance

<!-- written by docs/make_conformance.py: change the table in tests/service/conformance, not this page -->

Ruimte serves all requirement classes of OGC SensorThings API 1.1 (OGC 18-088, Annex A) at `/sta/v1.1`. This page is written
from the test suite: each line under *What is checked* is a test against a node that runs as a process, over HTTP and MQTT.

**Sandbox** (`ruimte serve --sandbox`): everything, anonymously, on the loopback only. This is what conformance suites and
clients are run against.

**Lab** (`ruimte serve LAB`, the strict mode): the same service with walls in front of it. The lab folder is the master of what
exists: Things, Sensors, Datastreams, ObservedProperties, Locations and Features are written from it at start, so that nothing
measures without a register entry that says whose it is, why and until when. Only devices write, and only Observations of the
Datastreams that they are registered for; every other write answers 403. Reads need a role or a reader's token: raw counts
never leave by a side door. A suite that makes entities of its own can therefore not run there; what can be read, answers as in
the sandbox.

**Where the standard leaves room.** Ids are integers that the node gives; one that a client gives is passed over. A POST answers
201 with `Location` and an empty body. Intervals are closed: one is `lt` an instant when it ends before it, `gt` when it begins
after it; with `le` and `ge` it may touch it. A walk along `nextLink` sees each row once, also while others write.

**What other servers have beside the standard and this one has not:** `any()` and `all()` in a filter (a path over a link to many
means any of them), functions such as `before` and `overlaps`, `$select=distinct:`, and DELETE of a filtered set. They answer 400
or 405, never something else than was asked.

| requirement | sandbox | lab |
|---|---|---|
"""


def page() -> str:
    """The page's text."""
    table = "".join(f"| `{name}` | yes | {strict} |\n" for name, strict in REQUIREMENTS.items())
    return _HEAD + table + "\n## What is checked\n" + "".join(_section(name) for name in REQUIREMENTS)


def _section(requirement: str) -> str:
    checks = "".join(f"- {_plain(row.checks)}\n" for row in TABLE if row.requirement == requirement)
    return f"\n### {requirement.removeprefix('req/')}\n\n{checks}"


def _plain(text: str) -> str:
    """Expressions of the filter language as code."""
    return f"`{text}`" if any(mark in text for mark in ("'", "(", " eq ", " ne ", " gt ", " ge ", " lt ", " le ")) else text
