"""The formats of devices by name: one small file each."""

from __future__ import annotations

from ruimte.intake.devices.amsterdam import Amsterdam2, Amsterdam3
from ruimte.intake.devices.axis_object_analytics import AxisObjectAnalytics
from ruimte.intake.devices.axis_people_counter import AxisPeopleCounter
from ruimte.intake.devices.axis_scene import AxisScene
from ruimte.intake.devices.environment import Environment
from ruimte.intake.devices.milesight_ip import MilesightIp
from ruimte.intake.devices.ngsi_ld import NgsiLd
from ruimte.intake.devices.things_stack import ThingsStack
from ruimte.intake.devices.xovis import Xovis
from ruimte.intake.message import DeviceFormat

FORMATS: dict[str, DeviceFormat] = {
    each.name: each
    for each in (
        Amsterdam2(),
        Amsterdam3(),
        AxisObjectAnalytics(),
        AxisPeopleCounter(),
        AxisScene(),
        Environment(),
        MilesightIp(),
        NgsiLd(),
        ThingsStack(),
        Xovis(),
    )
}

OF_PICTURES = (AxisScene.name,)
"""Formats whose tracks are places in a camera's picture; a homography brings them to the ground."""
OF_TRACKS = (*OF_PICTURES, Xovis.name)
"""Formats that tell tracks."""
