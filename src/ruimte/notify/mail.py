"""E-mail over SMTP, in a thread of its own: encrypted, unless the operator allows otherwise."""

from __future__ import annotations

import asyncio
import logging
import re
import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import urlsplit

from ruimte.clock import from_us
from ruimte.notify.channels import EmailChannel
from ruimte.notify.notice import Notice
from ruimte.notify.post import tls_context
from ruimte.notify.secrets import secret
from ruimte.notify.trouble import Undelivered

_ANSWER_S = 10.0
_log = logging.getLogger(__name__)


class Mail:
    """Sends one message to all addresses of a channel."""

    def __init__(self, channel: EmailChannel, environment: Mapping[str, str]) -> None:
        self._channel = channel
        parts = urlsplit(channel.address)
        self._encrypted = parts.scheme == "smtps"
        self._host = parts.hostname or ""
        self._port = parts.port or (465 if self._encrypted else 587)
        self._password = secret(environment, channel.password_env, channel.key)
        self._context = tls_context(channel.ca_file)

    async def send(self, notice: Notice, target: str) -> None:
        """Send it. ``target`` is of no meaning here. Raises ``Undelivered``."""
        await asyncio.to_thread(self._send, message(notice, self._channel))

    def _send(self, letter: EmailMessage) -> None:
        try:
            with self._connect() as server:
                refused = server.send_message(letter)
        except smtplib.SMTPAuthenticationError:
            raise Undelivered("credentials", again=True) from None
        except smtplib.SMTPNotSupportedError:
            raise Undelivered("no-encryption", again=False) from None
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise Undelivered("status", again=any(code < 500 for code in codes), status=max(codes)) from None
        except smtplib.SMTPResponseException as error:
            raise Undelivered("status", again=error.smtp_code < 500, status=error.smtp_code) from None
        except smtplib.SMTPException:
            raise Undelivered("broken-off", again=True) from None
        except TimeoutError:
            raise Undelivered("no-answer", again=True, seconds=round(_ANSWER_S)) from None
        except ssl.SSLError as error:
            reason = getattr(error, "verify_message", None) or error.reason or "TLS"
            raise Undelivered("tls", again=True, reason=reason) from None
        except OSError:
            raise Undelivered("unreachable", again=True) from None
        if refused:
            _log.warning("channel %s: %d of its addresses were refused by the server", self._channel.key, len(refused))

    def _connect(self) -> smtplib.SMTP:
        if self._encrypted:
            server: smtplib.SMTP = smtplib.SMTP_SSL(self._host, self._port, timeout=_ANSWER_S, context=self._context)
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=_ANSWER_S)
        try:
            server.ehlo()
            if not self._encrypted and (server.has_extn("starttls") or not self._channel.unencrypted):
                server.starttls(context=self._context)
                server.ehlo()
            if self._channel.user is not None and self._password is not None:
                server.login(self._channel.user, self._password)
        except BaseException:
            server.close()
            raise
        return server


def message(notice: Notice, channel: EmailChannel) -> EmailMessage:
    """The mail: the same ``Message-ID`` each time; the steps of one warning belong together."""
    text, domain = notice.texts[channel.language], channel.sender.rpartition("@")[2]
    letter = EmailMessage()
    letter["Subject"] = re.sub(r"\s+", " ", text.headline)
    letter["From"] = channel.sender
    letter["To"] = ", ".join(channel.to)
    letter["Date"] = format_datetime(from_us(notice.at_us))
    letter["Message-ID"] = f"<{notice.lab}.{notice.id}@{domain}>"
    if notice.warning:
        letter["References"] = f"<{notice.lab}.{notice.warning}.{notice.opened_us}@{domain}>"
    letter["Auto-Submitted"] = "auto-generated"
    if notice.views and notice.views[channel.language]["priority"] == 1 and notice.step != "closed":
        letter["Importance"] = "high"
    letter.set_content("\n\n".join(part for part in (text.headline, text.description, text.instruction) if part) + "\n")
    return letter
