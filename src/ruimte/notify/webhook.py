"""A webhook: each step as one signed POST."""

from __future__ import annotations

from collections.abc import Mapping

from ruimte.keys.signature import sign
from ruimte.notify import cap, cloud_event
from ruimte.notify.channels import WebhookChannel
from ruimte.notify.keys import NodeKeys
from ruimte.notify.notice import Notice
from ruimte.notify.post import Poster
from ruimte.notify.secrets import secret

SIGNATURE = "Ruimte-Signature"
"""The header with a detached JWS (RFC 7515, appendix F; RFC 7797) over the body, byte by byte; see ``ruimte.keys.signature``."""


class Webhook:
    """Posts CloudEvents in structured mode, or CAP as a CloudEvent in binary mode (attributes as ``ce-`` headers)."""

    def __init__(self, channel: WebhookChannel, keys: NodeKeys, environment: Mapping[str, str]) -> None:
        self._channel = channel
        self._keys = keys
        self._token = secret(environment, channel.token_env, channel.key)
        self._poster = Poster(allow_private=channel.allow_private, ca_file=channel.ca_file)

    async def send(self, notice: Notice, target: str) -> None:
        """Post it. ``target`` is of no meaning here. Raises ``Undelivered``."""
        if self._channel.body == "cap":
            body = cap.alert(notice)
            headers = {f"ce-{name}": value for name, value in cloud_event.attributes(notice).items()}
            headers["content-type"] = cap.MEDIA_TYPE
        else:
            body, headers = cloud_event.structured(notice, self._channel.language), {"content-type": cloud_event.MEDIA_TYPE}
        headers[SIGNATURE.lower()] = sign(body, self._keys.private, notice.sequence, detached=True)
        headers["user-agent"] = "ruimte"
        if self._token is not None:
            headers["authorization"] = f"Bearer {self._token}"
        await self._poster.post(self._channel.address, body, headers)
