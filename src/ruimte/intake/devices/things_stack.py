"""Uplinks of The Things Stack (``v3/<application>/devices/<device>/up``, or a webhook), with a decoded Milesight VS13x payload.

``end_device_ids.device_id``, the name that its owner gave it, is the device; ``dev_eui`` and every other address is dropped, as
is what gateways tell. What was decoded is of ``uplink_message.received_at``. The stack leaves empty fields out of its envelope
("", 0, false); ``decoded_payload`` is what the decoder made, in which a zero stays a zero. A simulated uplink is refused.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from ruimte.errors import RuimteError
from ruimte.intake.devices.milesight import Vs13x, read_vs13x
from ruimte.intake.devices.payload import IGNORED, Ignored, Sent, decode, decoder
from ruimte.intake.devices.times import instant
from ruimte.intake.message import Message


class _EndDevice(Sent, frozen=True, kw_only=True):
    device_id: str
    application_ids: Ignored = IGNORED
    dev_eui: Ignored = IGNORED
    join_eui: Ignored = IGNORED
    dev_addr: Ignored = IGNORED


class _Uplink(Sent, frozen=True, kw_only=True):
    decoded_payload: msgspec.Raw
    received_at: str = ""
    session_key_id: Ignored = IGNORED
    f_port: Ignored = IGNORED
    f_cnt: Ignored = IGNORED
    frm_payload: Ignored = IGNORED
    decoded_payload_warnings: Ignored = IGNORED
    normalized_payload: Ignored = IGNORED
    normalized_payload_warnings: Ignored = IGNORED
    rx_metadata: Ignored = IGNORED
    settings: Ignored = IGNORED
    app_s_key: Ignored = IGNORED
    last_a_f_cnt_down: Ignored = IGNORED
    confirmed: Ignored = IGNORED
    consumed_airtime: Ignored = IGNORED
    packet_error_rate: Ignored = IGNORED
    locations: Ignored = IGNORED
    version_ids: Ignored = IGNORED
    network_ids: Ignored = IGNORED
    attributes: Ignored = IGNORED
    last_battery_percentage: Ignored = IGNORED


class _Envelope(Sent, frozen=True, kw_only=True):
    end_device_ids: _EndDevice
    uplink_message: _Uplink
    received_at: str = ""
    correlation_ids: Ignored = IGNORED
    simulated: bool = False


_READER = decoder(_Envelope)
_DECODED = decoder(Vs13x)


class ThingsStack:
    """The format ``things-stack``."""

    name = "things-stack"

    def read(self, payload: bytes, zone: ZoneInfo, received_us: int) -> Message:
        sent = decode(payload, _READER)
        if sent.simulated:
            raise RuimteError("is simulated", "simulated", "send what a device measured")
        uplink = sent.uplink_message
        received = instant(uplink.received_at or sent.received_at, "uplink_message.received_at", zone, received_us)
        try:
            decoded: Any = decode(bytes(uplink.decoded_payload), _DECODED)
        except RuimteError as error:
            raise RuimteError(error.what, f"uplink_message.decoded_payload.{error.where}", error.mend) from None
        return read_vs13x(sent.end_device_ids.device_id, decoded, received, "uplink_message.decoded_payload")
