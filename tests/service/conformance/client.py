"""A SensorThings client that knows nothing of Ruimte: HTTP in, JSON out, and asserts what every answer must be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx

from . import bodies
from .bodies import Json


class Sta:
    """A service by its root (``http://…/v1.1``). Query options are named without ``$``: ``sta.get("Things", top=2)``."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.http = httpx.Client(timeout=30)

    def __enter__(self) -> Sta:
        return self

    def __exit__(self, *error: object) -> None:
        self.http.close()

    def ask(
        self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        """The answer, whatever its status. ``path`` may be a whole URL; a body of bytes goes as it is, any other as JSON."""
        url = path if path.startswith("http") else f"{self.root}/{path}" if path else self.root
        if options:
            url += "?" + "&".join(f"${name}={quote(str(value), safe='')}" for name, value in options.items())
        if isinstance(body, bytes):
            return self.http.request(method, url, content=body, headers=headers)
        return self.http.request(method, url, json=body, headers=headers) if body is not None else self.http.request(method, url)

    def get(self, path: str, **options: Any) -> Json:
        """The JSON of a GET that must succeed."""
        answer = self.ask("GET", path, **options)
        assert answer.status_code == 200, f"GET {path} {options}: {answer.status_code} {answer.text}"
        assert answer.headers["content-type"].startswith("application/json")
        return answer.json()

    def values(self, path: str, name: str, **options: Any) -> list[Any]:
        """One property of every entity of a set."""
        return [each[name] for each in self.get(path, **options)["value"]]

    def make(self, path: str, body: Json) -> int:
        """The id of an entity that must be created; the ``Location`` header leads to it."""
        answer = self.ask("POST", path, body)
        assert answer.status_code == 201, f"POST {path}: {answer.status_code} {answer.text}"
        return id_of(answer.headers["location"])

    def refused(self, status: int, method: str, path: str, body: Any = None, **options: Any) -> Json:
        """A request that must fail with this status and say why in JSON."""
        answer = self.ask(method, path, body, **options)
        assert answer.status_code == status, f"{method} {path} {options}: {answer.status_code} {answer.text}"
        assert answer.headers["content-type"].startswith("application/json")
        error = answer.json()
        assert isinstance(error["message"], str)
        assert error["message"]
        return error

    def change(self, method: str, path: str, body: Any = None, **more: Any) -> None:
        """A PATCH, PUT or DELETE that must succeed."""
        answer = self.ask(method, path, body, **more)
        assert answer.status_code in (200, 204), f"{method} {path}: {answer.status_code} {answer.text}"

    def pages(self, path: str, **options: Any) -> Iterator[list[Json]]:
        """The pages of a set, by their nextLinks as the service gives them."""
        page = self.get(path, **options)
        yield page["value"]
        while "@iot.nextLink" in page:
            page = self.get(page["@iot.nextLink"])
            yield page["value"]

    def stream(self, name: str = "a stream") -> int:
        """A new Datastream under a Thing of its own that has a Location."""
        thing = self.make("Things", bodies.tree(name))
        return int(self.get(f"Things({thing})/Datastreams")["value"][0]["@iot.id"])


def id_of(link: str) -> int:
    """The id in a selfLink; it must be an absolute URL with an integer in parentheses."""
    found = re.fullmatch(r"https?://\S+/[A-Z]\w+\((\d+)\)", link)
    assert found is not None, f"{link} is no selfLink"
    return int(found[1])
