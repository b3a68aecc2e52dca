"""The service's root: its sets, and which requirements of OGC 18-088 it serves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ruimte.sta.entities import SETS

REQUIREMENTS = "http://www.opengis.net/spec/iot_sensing/1.1/req/"
CREATE_VIA_MQTT = f"{REQUIREMENTS}create-observations-via-mqtt/observations-creation"
RECEIVE_VIA_MQTT = f"{REQUIREMENTS}receive-updates-via-mqtt/receive-updates"
_SERVED = (
    "datamodel",
    "resource-path/resource-path-to-entities",
    "request-data",
    "create-update-delete",
    "batch-request/batch-request",
    "multi-datastream",
    "data-array/data-array",
)


def root(base: str, mqtt_endpoints: Sequence[str]) -> dict[str, Any]:
    """The document at the root; ``mqtt_endpoints`` are the broker's addresses, where there is one."""
    conformance = [REQUIREMENTS + name for name in _SERVED]
    settings: dict[str, Any] = {"conformance": conformance}
    if mqtt_endpoints:
        for name in (CREATE_VIA_MQTT, RECEIVE_VIA_MQTT):
            conformance.append(name)
            settings[name] = {"endpoints": list(mqtt_endpoints)}
    return {"value": [{"name": name, "url": f"{base}/{name}"} for name in SETS], "serverSettings": settings}
