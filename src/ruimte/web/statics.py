"""Files that never change: kept in memory, compressed once, cached by browsers for ever under the hash of their content."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from ruimte.errors import RuimteError
from ruimte.web.problems import not_found

_FOR_EVER = "max-age=31536000, immutable"
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class _File:
    plain: bytes
    gzipped: bytes
    media_type: str


class Statics:
    """All files under a folder. One hash over all of them is part of each address, so that modules can import each other by
    relative path."""

    def __init__(self, folder: Path) -> None:
        """Raises ``RuimteError`` where the browser libraries have not been installed."""
        if not (folder / "vendor").is_dir():
            raise RuimteError(
                "the browser libraries are missing", str(folder / "vendor"), "install the package again (pip install -e .)"
            )
        digest = hashlib.sha256()
        self._files: dict[str, _File] = {}
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                plain, name = path.read_bytes(), path.relative_to(folder).as_posix()
                digest.update(name.encode() + b"\0" + plain)
                media_type = _TYPES.get(path.suffix) or mimetypes.guess_type(name)[0] or "text/plain"
                self._files[name] = _File(plain, gzip.compress(plain, mtime=0), media_type)
        self.version = digest.hexdigest()[:12]

    def url(self, name: str) -> str:
        """The address of a file."""
        if name not in self._files:
            raise KeyError(name)
        return f"/static/{self.version}/{name}"

    def names(self, suffix: str) -> list[str]:
        """Names of the house's own files that end in ``suffix``."""
        return [name for name in self._files if name.endswith(suffix) and not name.startswith("vendor/")]

    async def serve(self, request: Request) -> Response:
        """Answer ``/static/{version}/{name}``."""
        name = request.path_params["name"]
        file = self._files.get(name)
        if file is None or request.path_params["version"] != self.version:
            raise not_found("no such file", name, "reload the page")
        headers = {"cache-control": _FOR_EVER, "vary": "accept-encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(file.gzipped, headers=headers | {"content-encoding": "gzip"}, media_type=file.media_type)
        return Response(file.plain, headers=headers, media_type=file.media_type)
