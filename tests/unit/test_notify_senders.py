"""What is sent: signed CloudEvents, mails, encrypted messages to browsers; and where a node may send."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.jwk import ECKey

from notices import AT_US, notice, view
from ruimte.keys.signature import generate, sign
from ruimte.notify import cloud_event, web_push
from ruimte.notify.channels import read_channels
from ruimte.notify.mail import message
from ruimte.notify.post import _wish_s
from ruimte.notify.reach import is_public, resolve
from ruimte.notify.trouble import Undelivered


def test_a_cloud_event_has_what_the_standard_asks_for() -> None:
    event = msgspec.json.decode(cloud_event.structured(notice(), "nl"))
    assert event["specversion"] == "1.0"
    assert event["id"] == f"3.1.{AT_US}"
    assert event["type"] == "org.ruimte.warning.opened"
    assert event["source"] == "https://crowd.example.org"
    assert event["subject"] == "warning/3"
    assert event["time"] == "2025-12-31T23:00:00Z"
    assert event["data"]["headline"] == "Plein: E om 00:40 – “nu”"
    assert event["data"]["warning"]["level"] == "E"
    assert all(name == name.lower() and name.isalnum() for name in event)
    assert msgspec.json.decode(cloud_event.structured(notice(step="test", views={}), "en"))["type"] == "org.ruimte.test"


def test_the_docs_check_a_signature_as_it_is_made() -> None:
    page = (Path(__file__).parents[2] / "docs" / "notify.md").read_text()
    shown: dict[str, Any] = {}
    exec(re.search(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)[1], shown)  # type: ignore[index]
    pair, body = generate(), cloud_event.structured(notice(), "nl")
    header = sign(body, pair.private, 7, detached=True)
    shown["check"](pair.public, header, body)
    with pytest.raises(InvalidSignature):
        shown["check"](pair.public, header, body + b" ")
    with pytest.raises(InvalidSignature):
        shown["check"](generate().public, header, body)


def test_a_mail_keeps_its_id_and_belongs_to_its_warning() -> None:
    table = {"key": "d", "kind": "email", "address": "smtp://m.example.org", "sender": "ruimte@example.org", "to": ["a@b.nl"]}
    channel = read_channels([table], "node.toml")[0]
    first, closed = message(notice(), channel), message(notice(step="closed", id="3.9.1", told=view(priority=1)), channel)
    assert first["Message-ID"] == message(notice(), channel)["Message-ID"] == f"<town.3.1.{AT_US}@example.org>"
    assert first["References"] == closed["References"]
    assert first["Message-ID"] != closed["Message-ID"]
    assert first["Subject"] == "Square: E at 00:40 <soon>"
    assert "Open the gates" in first.get_content()
    assert (first["Importance"], closed["Importance"]) == (None, None)
    assert message(notice(told=view(priority=1)), channel)["Importance"] == "high"


# RFC 8291, section 5 and appendix A
TEXT = b"When I grow up, I want to be a watermelon"
SECRET = "BTBZMqHH6r4Tts7J_aSIgg"
THEIRS = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
OURS = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_y"
    "l95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def test_a_push_message_is_encrypted_as_rfc_8291_shows() -> None:
    own = ec.derive_private_key(int.from_bytes(web_push.decode(OURS)), ec.SECP256R1())
    assert web_push.encode(web_push.encrypt(TEXT, THEIRS, SECRET, salt=web_push.decode(SALT), own=own)) == BODY


def test_each_push_message_has_a_key_of_its_own() -> None:
    assert web_push.encrypt(TEXT, THEIRS, SECRET) != web_push.encrypt(TEXT, THEIRS, SECRET)


@pytest.mark.parametrize(("public", "secret"), [("", SECRET), (THEIRS[:-2], SECRET), (THEIRS, "AAAA"), ("B" + "A" * 86, SECRET)])
def test_keys_that_are_none_are_refused(public: str, secret: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - several layers say it in their own words
        web_push.check(public, secret)


def test_a_text_that_is_too_long_for_a_push_service_is_refused() -> None:
    assert len(web_push.encrypt(b"x" * web_push.LARGEST, THEIRS, SECRET)) == 4096
    with pytest.raises(ValueError, match="longer"):
        web_push.encrypt(b"x" * (web_push.LARGEST + 1), THEIRS, SECRET)


def test_the_node_introduces_itself_as_rfc_8292_asks() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    header = web_push.introduction("https://push.example.net:8443/send/1?x=y", "mailto:a@example.org", key, 1_700_000_000)
    token, shown = header.removeprefix("vapid t=").split(", k=")
    assert web_push.decode(shown) == web_push.public_bytes(key)
    claims = jwt.decode(token, ECKey.import_key(key.public_key()), algorithms=["ES256"]).claims
    assert claims["aud"] == "https://push.example.net:8443"
    assert claims["sub"] == "mailto:a@example.org"
    assert 0 < claims["exp"] - 1_700_000_000 <= 24 * 3600


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "240.0.0.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::7f00:1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2001:0:4136:e378::1",
        "2001:db8::1",
    ],
)
def test_an_address_that_is_not_of_the_public_internet_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"])
def test_a_public_address_is_not(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f000001", "::1", "[::1]".strip("[]")])
def test_however_this_machine_is_written_it_is_not_reached(host: str) -> None:
    with pytest.raises(Undelivered) as caught:
        asyncio.run(resolve(host, 80, allow_private=False))
    assert (caught.value.kind, caught.value.again) == ("private", False)
    assert asyncio.run(resolve(host, 80, allow_private=True))


def test_one_private_address_among_others_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(*_: object, **__: object) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        return [(2, 1, 6, "", ("8.8.8.8", 443)), (2, 1, 6, "", ("10.0.0.1", 443))]

    async def ask() -> None:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", answer)
        await resolve("rebinding.example.org", 443, allow_private=False)

    with pytest.raises(Undelivered):
        asyncio.run(ask())


def test_retry_after_is_a_number_or_a_date_and_believed_for_an_hour() -> None:
    assert _wish_s("120") == 120
    assert _wish_s("9999999") == 3600
    assert _wish_s("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert _wish_s("Wed, 21 Oct 2099 07:28:00 GMT") == 3600
    assert _wish_s("soon") is None
    assert _wish_s(None) is None


def test_the_topic_of_a_push_message_is_short_and_names_the_warning() -> None:
    # RFC 8030, 5.4: at most 32 letters of base64url
    from ruimte.notify.push import topic

    assert topic("a-lab-with-a-very-long-name-indeed", 123456) != topic("a-lab-with-a-very-long-name-indeed", 123457)
    assert len(topic("a-lab-with-a-very-long-name-indeed", 123456)) <= 32
    digest = hashlib.sha256(b"town.3").digest()[:16]
    assert topic("town", 3) == base64.urlsafe_b64encode(digest).decode().rstrip("=")
