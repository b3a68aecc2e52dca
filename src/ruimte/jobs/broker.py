"""The broker that a node talks to: one that runs elsewhere, or one that comes up and goes down with the node."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from ruimte.errors import RuimteError
from ruimte.intake.mqtt.address import Address, parse_address

_EMBEDDED = re.compile(r"embedded(?::(\d{1,5}))?")
_EMBEDDED_PORT = 1883
_HOST = "127.0.0.1"


@contextmanager
def broker(text: str, environment: Mapping[str, str]) -> Iterator[Address]:
    """The broker that ``--broker`` names, while it is needed.

    ``mqtt://HOST:PORT`` and ``mqtts://HOST:PORT`` run elsewhere and speak MQTT 5; ``embedded`` and ``embedded:PORT`` is started
    here, for this machine only, and speaks MQTT 3.1.1. Raises ``RuimteError`` for another text, a missing package, a port in use.
    """
    _require("gmqtt", "mqtt")
    if found := _EMBEDDED.fullmatch(text):
        with _embedded(_EMBEDDED_PORT if found[1] is None else int(found[1])) as address:
            yield address
    else:
        yield parse_address(text, environment)


@contextmanager
def _embedded(port: int) -> Iterator[Address]:
    """A broker in a process of its own, which ends with us; it binds this machine's own address only."""
    _require("iotcore", "broker")
    from iotcore import Broker

    from ruimte.intake.mqtt.link import AT_ONCE, LARGEST_PACKET

    logging.getLogger("iotcore").setLevel(logging.WARNING)
    if port > 65535:
        raise RuimteError("there is no such port", f"--broker embedded:{port}", "choose one up to 65535, or 0 for any free one")
    port = port or _free_port()
    embedded = Broker(port, _HOST, max_payload_size=LARGEST_PACKET, max_inflight_count=AT_ONCE)
    with contextlib.ExitStack() as running:
        try:
            running.enter_context(embedded)
        except (OSError, RuntimeError) as error:
            mend = "stop what uses it, or choose another: --broker embedded:PORT (0 takes any free one)"
            raise RuimteError(f"the embedded broker does not start ({error})", f"port {port}", mend) from None
        yield Address(_HOST, port, mqtt5=False)


def _require(package: str, extra: str) -> None:
    if importlib.util.find_spec(package) is None:
        raise RuimteError(f"needs the package {package}", "--broker", f"install it: pip install 'ruimte[{extra}]'")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])
