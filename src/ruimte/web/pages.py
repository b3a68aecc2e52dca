"""Templates, and the language a visitor reads them in."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ruimte.model.role import ROLE_NAMES
from ruimte.text import LANGUAGES, pick
from ruimte.web.words import Words, preferred

LANGUAGE_COOKIE = "ruimte_language"
THEME_COOKIE = "ruimte_theme"
THEMES = ("auto", "light", "dark")
_YEAR_S = 365 * 24 * 3600


class Pages:
    """Renders templates in the visitor's language."""

    def __init__(self, zone: ZoneInfo, **common: Any) -> None:
        """``common`` is known to every template."""
        self.words = {language: Words(language, zone) for language in LANGUAGES}
        self._environments = {language: _environment(words, common) for language, words in self.words.items()}

    def language(self, request: Request) -> str:
        """Asked for in the address (``?lang=``), else remembered, else what the browser prefers."""
        for wish in (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
            if wish in LANGUAGES:
                return wish
        return preferred(request.headers.get("accept-language", ""))

    def speaks(self, request: Request) -> Words:
        """The words for a visitor."""
        return self.words[self.language(request)]

    def fragment(self, request: Request, template: str, **context: Any) -> str:
        """A template's text."""
        return self._environments[self.language(request)].get_template(template).render(**context)

    def render(self, request: Request, template: str, code: int = 200, **context: Any) -> Response:
        """A whole page; remembers a language that was asked for."""
        theme = request.cookies.get(THEME_COOKIE, "auto")
        context = {
            "path": request.url.path,
            "theme": theme if theme in THEMES else "auto",
            "user": getattr(request.state, "user", None),
            "code": code,
        } | context
        response = HTMLResponse(self.fragment(request, template, **context), code)
        response.headers["cache-control"] = "no-store"
        if request.query_params.get("lang") in LANGUAGES:
            language, secure = request.query_params["lang"], request.url.scheme == "https"
            response.set_cookie(LANGUAGE_COOKIE, language, max_age=_YEAR_S, httponly=True, samesite="lax", secure=secure)
        return response


def as_data(value: Any) -> Markup:
    """JSON for a data block in a page: nothing in it can end the block."""
    return Markup(msgspec.json.encode(value).replace(b"<", b"\\u003c").decode())  # noqa: S704 - no "<" is left


def _environment(words: Words, common: dict[str, Any]) -> Environment:
    environment = Environment(
        loader=PackageLoader("ruimte.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(words.translations, newstyle=True)  # type: ignore[attr-defined]
    environment.globals.update(common, words=words, language=words.language)
    environment.filters.update(data=as_data, pick=lambda text: pick(text, words.language))
    environment.filters["role"] = lambda role: pick(ROLE_NAMES[role], words.language)
    return environment
