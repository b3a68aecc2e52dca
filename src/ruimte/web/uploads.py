"""A file that a form of our own brings along."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from ruimte.web.problems import WebError, bad_field
from ruimte.web.words import marked

_BESIDE = 4096
"""Bytes of a form beside its file: headers and borders."""


async def uploaded(request: Request, field: str, most_bytes: int) -> tuple[str, bytes]:
    """Name and content of the file in a field. Raises a 413 for one that is larger, a 400 where there is none."""

    async def limited() -> AsyncIterator[bytes]:
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > most_bytes + _BESIDE:
                raise WebError(413, marked("the file is too large"), field, marked("send a smaller one"))
            yield chunk

    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise bad_field(field, marked("there is no file"), marked("choose one"))
    try:
        form = await MultiPartParser(request.headers, limited(), max_files=1, max_fields=4).parse()  # type: ignore[arg-type]
    except (MultiPartException, KeyError, ValueError):
        raise bad_field(field, marked("the form is not readable"), marked("choose the file again")) from None
    found = form.get(field)
    try:
        if not isinstance(found, UploadFile) or not found.filename:
            raise bad_field(field, marked("there is no file"), marked("choose one"))
        return _plain(found.filename), await found.read()
    finally:
        await form.close()


def _plain(name: str) -> str:
    """A file's name as it may be shown: without folders, short, and without letters that cannot be seen."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in last if letter.isprintable())[:80]
