"""Axis scene metadata: ``axis.scene.frame_v1`` (Analytics Data Format, Frame), and the form before it, which it replaces
(``com.axis.analytics_scene_description.v0.beta``).

Each detection of class ``Human`` becomes a point of an ``ImageFrame``: where the box meets the ground, the middle of its lower
edge. Heads are parts of humans that have a track of their own; they, vehicles and what has no class yet are left out. The source
is ``channel-<id>`` within the camera that sent it. Colours of clothes and whatever else the camera sees of a person are dropped
unread; a crop of the picture or a number plate refuses the payload.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from ruimte.intake.devices.payload import IGNORED, Ignored, Sent, decode, decoder
from ruimte.intake.devices.times import instant
from ruimte.intake.message import ImageFrame, Message


class _Box(Sent, frozen=True, kw_only=True):
    left: float
    top: float
    right: float
    bottom: float


class _Class(Sent, frozen=True, kw_only=True):
    type: str
    score: Ignored = IGNORED
    colors: Ignored = IGNORED
    upper_clothing_colors: Ignored = IGNORED
    lower_clothing_colors: Ignored = IGNORED


class _Detection(Sent, frozen=True, kw_only=True):
    """``object_track_id`` and ``class`` as of version 1, ``track_id`` as before it."""

    bounding_box: _Box
    kind: _Class | None = msgspec.field(name="class", default=None)
    object_track_id: str = ""
    track_id: str = ""
    timestamp: Ignored = IGNORED
    geoposition: Ignored = IGNORED
    geographic_position: Ignored = IGNORED
    spherical_coordinate: Ignored = IGNORED
    velocity: Ignored = IGNORED
    geo_velocity: Ignored = IGNORED


class _OlderFrame(Sent, frozen=True, kw_only=True):
    timestamp: str
    observations: tuple[_Detection, ...] = ()
    operations: Ignored = IGNORED


class _Either(Sent, frozen=True, kw_only=True):
    """A frame of version 1, or the older form around its ``frame``."""

    frame: _OlderFrame | None = None
    channel_id: int = 1
    timestamp: str = ""
    detections: tuple[_Detection, ...] = ()
    track_events: Ignored = IGNORED


_READER = decoder(_Either)


class AxisScene:
    """The format ``axis-scene``."""

    name = "axis-scene"

    def read(self, payload: bytes, zone: ZoneInfo, received_us: int) -> Message:
        sent = decode(payload, _READER)
        if sent.frame is not None:
            timestamp, where, detections = sent.frame.timestamp, "frame.timestamp", sent.frame.observations
        else:
            timestamp, where, detections = sent.timestamp, "timestamp", sent.detections
        time_us, _ = instant(timestamp, where, zone, received_us)
        humans = [each for each in detections if each.kind is not None and each.kind.type == "Human"]
        return Message(image_frames=[_points(f"channel-{sent.channel_id}", time_us, humans)])


def _points(source: str, time_us: int, humans: Sequence[_Detection]) -> ImageFrame:
    boxes = [each.bounding_box for each in humans]
    ids = np.array([_opaque(each.object_track_id or each.track_id) for each in humans], dtype=np.uint64)
    x = np.array([(box.left + box.right) / 2 for box in boxes], dtype=np.float64)
    y = np.array([box.bottom for box in boxes], dtype=np.float64)
    return ImageFrame(source, time_us, ids, x, y)


def _opaque(track: str) -> int:
    """A number that is the same for the same track, and tells nothing else of it."""
    return int.from_bytes(blake2b(track.encode(errors="replace"), digest_size=8).digest())
