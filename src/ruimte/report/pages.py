"""Pages to be printed: self-contained HTML from templates, in one language."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ruimte.report.timeline import LEVELS
from ruimte.report.words import Words


def page(template: str, words: Words, **context: Any) -> str:
    """A page: nothing in it is fetched from anywhere, and nothing in it runs."""
    return _environment().get_template(template).render(words=words, _=words, colours=LEVELS, **context)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("ruimte.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
