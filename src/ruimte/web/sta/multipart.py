"""Batches as multipart/mixed: a part is a request in the form of HTTP, or a change set: a multipart/mixed of its own."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Sequence
from email.message import Message
from email.parser import BytesParser
from itertools import groupby

from ruimte.sta.errors import StaError
from ruimte.web.sta.exchange import JSON, Part, Reply, phrase

_HTTP = "application/http"
_VERSION = re.compile(r"\s+HTTP/\d(\.\d)?\s*$")
_NO_NAME = re.compile(r"[^\x21-\x7e]")
_LINE = re.compile(rb"\r\n|\n")


def read(body: bytes, kind: str) -> list[Part]:
    """The requests of a batch whose content type is ``kind``. Raises ``StaError`` (400) where it cannot be read."""
    try:
        message = BytesParser().parsebytes(b"Content-Type: " + kind.encode("latin-1", "replace") + b"\r\n\r\n" + body)
    except RecursionError:
        raise _unreadable("holds batches in batches") from None
    parts = list(_requests(message))
    if not parts:
        raise _unreadable("holds no request")
    return parts


def write(parts: Sequence[Part], replies: Sequence[Reply]) -> Reply:
    """The replies in the form of the batch; a change set that failed has one reply, that of what stopped it."""
    boundary = f"batch_{uuid.uuid4().hex}"
    pieces: list[bytes] = []
    pairs = list(zip(parts, replies, strict=True))
    for _, members in groupby(pairs, key=lambda pair: pair[0].group or pair[0].id):
        together = list(members)
        if together[0][0].group is None:
            pieces.append(_part(*together[0]))
        elif stopped := [pair for pair in together if pair[1].status >= 400]:
            pieces.append(_part(*min(stopped, key=lambda pair: pair[1].status == 424)))
        else:
            inner = f"changes_{uuid.uuid4().hex}"
            head = f"Content-Type: multipart/mixed; boundary={inner}\r\n\r\n".encode()
            pieces.append(head + _joined([_part(*pair) for pair in together], inner))
    return Reply(200, _joined(pieces, boundary), f"multipart/mixed; boundary={boundary}")


def _requests(message: Message) -> Iterator[Part]:
    number = 0
    for outer, part in enumerate(_inside(message)):
        is_set = part.get_content_type() == "multipart/mixed"
        for each in _inside(part) if is_set else [part]:
            number += 1
            yield _request(each, number, str(outer) if is_set else None)


def _inside(message: Message) -> list[Message]:
    payload = message.get_payload()
    if not isinstance(payload, list):
        raise _unreadable("has no parts between its boundaries")
    return [part for part in payload if isinstance(part, Message)]


def _request(part: Message, number: int, group: str | None) -> Part:
    if part.get_content_type() != _HTTP:
        raise _unreadable(f"part {number} is no {_HTTP}")
    content = part.get_payload(decode=True)
    head, body = _split(content if isinstance(content, bytes) else b"")
    line, *lines = [each.decode("utf-8", "replace") for each in _LINE.split(head)]
    method, _, rest = line.strip().partition(" ")
    headers = {name.strip().lower(): value.strip() for name, _, value in (each.partition(":") for each in lines)}
    length = headers.get("content-length", "")
    if length.isascii() and length.isdecimal() and len(length) < 10:
        body = body[: int(length)]
    given = _NO_NAME.sub("", str(part.get("Content-ID", ""))).strip("<>")
    name = f"change set {group}" if group is not None else None
    url, kind = _VERSION.sub("", rest).strip(), headers.get("content-type", JSON)
    return Part(given or f"part {number}", method.upper(), url, body.strip(), kind, name, named=bool(given))


def _split(content: bytes) -> tuple[bytes, bytes]:
    """Head and body of a request, at its first empty line."""
    content = content.lstrip(b"\r\n")
    found = re.search(rb"\r?\n\r?\n", content)
    return (content, b"") if found is None else (content[: found.start()], content[found.end() :])


def _part(part: Part, reply: Reply) -> bytes:
    headers = {**reply.headers, **({"Content-Type": reply.kind} if reply.body else {}), "Content-Length": str(len(reply.body))}
    outside = [f"Content-Type: {_HTTP}", "Content-Transfer-Encoding: binary", *([f"Content-ID: {part.id}"] if part.named else [])]
    inside = [f"HTTP/1.1 {reply.status} {phrase(reply.status)}", *(f"{name.title()}: {value}" for name, value in headers.items())]
    return "\r\n".join([*outside, "", *inside, "", ""]).encode() + reply.body


def _joined(pieces: Sequence[bytes], boundary: str) -> bytes:
    mark = f"--{boundary}".encode()
    return b"".join(mark + b"\r\n" + piece + b"\r\n" for piece in pieces) + mark + b"--\r\n"


def _unreadable(what: str) -> StaError:
    return StaError(what, "batch", "send multipart/mixed with its boundary, each part application/http, as OData has it")
