"""Live frames of Xovis and Axis that somebody recorded: what the device sent, a payload a line or all in a JSON array.

Payloads are read as the node reads them (``intake/devices``): what refuses one there refuses it here. Tracks' numbers become
small ones, from 0. A frame that was sent twice counts once, and frames that come late are put in their place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from ruimte.errors import RuimteError
from ruimte.intake.devices.axis_scene import AxisScene
from ruimte.intake.devices.xovis import Xovis
from ruimte.intake.message import DeviceFormat, Frame, Message
from ruimte.intake.tracks.assemble import assembled
from ruimte.intake.tracks.content import require_rows
from ruimte.intake.tracks.homography import checked_homography, on_ground
from ruimte.intake.tracks.objects import raw_objects
from ruimte.intake.tracks.recording import Asked, Recording
from ruimte.intake.tracks.steps import stepped
from ruimte.intake.tracks.units import agreed_unit

_HERE, _ELSEWHERE = ZoneInfo("UTC"), ZoneInfo("Etc/GMT-12")


class _Sent(NamedTuple):
    """A frame, and which push it came in; 1 is the first."""

    push: int
    frame: Frame


class RecordedXovis:
    """The format ``xovis``: metres in the sensor's plane."""

    name = "xovis"

    def read(self, content: bytes, asked: Asked) -> Recording:
        return _recording(list(_sent(Xovis(), content, asked)), self.name, _tells_offset(Xovis(), content, asked), asked)


class RecordedAxisScene:
    """The format ``axis-scene``: shares of the camera's picture, which a homography maps to metres."""

    name = "axis-scene"

    def read(self, content: bytes, asked: Asked) -> Recording:
        if asked.homography is None:
            mend = "give the camera's homography (three by three: shares of the picture to metres)"
            raise RuimteError("tells places in a picture, not on the ground", asked.where, mend)
        return _recording(list(_sent(AxisScene(), content, asked)), self.name, _tells_offset(AxisScene(), content, asked), asked)


def _sent(device: DeviceFormat, content: bytes, asked: Asked) -> Iterator[_Sent]:
    """The frames in the order in which they came, also where nobody is in them: these tell the rate too."""
    homography = None if asked.homography is None else checked_homography(asked.homography, asked.where)
    for number, payload in enumerate(raw_objects(content, asked.where), start=1):
        message = _message(device, payload, number, _HERE, asked)
        frames = message.frames if homography is None else [on_ground(each, homography) for each in message.image_frames]
        yield from (_Sent(number, frame) for frame in frames)


def _message(device: DeviceFormat, payload: msgspec.Raw, number: int, zone: ZoneInfo, asked: Asked) -> Message:
    try:
        return device.read(bytes(payload), zone, 0)
    except RuimteError as error:
        raise RuimteError(error.what, f"{asked.where}, push {number}, {error.where}", error.mend) from None


def _tells_offset(device: DeviceFormat, content: bytes, asked: Asked) -> bool:
    """Whether times mean the same everywhere, which those without an offset do not."""
    payload = raw_objects(content, asked.where)[0]
    told = [_message(device, payload, 1, zone, asked) for zone in (_HERE, _ELSEWHERE)]
    here, elsewhere = ([each.time_us for each in sent.frames] + [each.time_us for each in sent.image_frames] for sent in told)
    return here == elsewhere


def _recording(sent: list[_Sent], format_name: str, tells_offset: bool, asked: Asked) -> Recording:
    require_rows(sum(len(each.frame.ids) for each in sent), asked.where)
    if len({each.frame.source for each in sent}) > 1:
        raise RuimteError("holds frames of several sensors, each with its own plane", asked.where, "split it by sensor")
    once = _once(sent)
    moment = np.array([each.frame.time_us for each in once], dtype=np.int64)
    late = int((moment[1:] < np.maximum.accumulate(moment)[:-1]).sum())
    found = stepped(moment, asked.rate_hz, asked.where)
    sizes = [len(each.frame.ids) for each in once]
    frame, push = np.repeat(found.frame, sizes), np.repeat([each.push for each in once], sizes)
    x, y = (np.concatenate([getattr(each.frame, axis) for each in once]) for axis in ("x_m", "y_m"))
    _, person = np.unique(np.concatenate([each.frame.ids for each in once]), return_inverse=True)
    unit = agreed_unit("m", asked, frame, x, y)
    walk = assembled(person, frame, x, y, unit, found.rate_hz, asked, lambda row: f"push {push[row]}")
    unknown = int((~np.isfinite(x) | ~np.isfinite(y)).sum())
    notes = (
        *([f"its times keep {found.rate_hz:.4g} frames a second"] if asked.rate_hz is None else []),
        *([f"{len(sent) - len(once):,} frames came twice, and count once"] if len(once) < len(sent) else []),
        *([f"{late:,} frames came after later ones, and were put in their place"] if late else []),
        *([f"{unknown:,} positions are not on the ground (above the horizon)"] if unknown else []),
        *([] if tells_offset else ["its times tell no offset: when it was recorded is not known"]),
    )
    return Recording(walk, format_name, unit, start_us=found.first_us if tells_offset else None, notes=notes)


def _once(sent: list[_Sent]) -> list[_Sent]:
    """Without the frames that repeat one: a broker may deliver a message twice."""
    seen: dict[tuple[int, bytes, bytes, bytes], _Sent] = {}
    for each in sent:
        frame = each.frame
        seen.setdefault((frame.time_us, frame.ids.tobytes(), frame.x_m.tobytes(), frame.y_m.tobytes()), each)
    return list(seen.values())
