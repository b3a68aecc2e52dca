"""From a camera's picture to the ground."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ruimte.errors import RuimteError
from ruimte.intake.message import Frame, ImageFrame

Array = NDArray[np.float64]


def checked_homography(given: ArrayLike, where: str) -> Array:
    """A homography as an array (3, 3); raises ``RuimteError`` where it is none, or maps the picture to a line."""
    try:
        homography = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        homography = np.empty(0)
    if homography.shape != (3, 3) or not np.isfinite(homography).all():
        raise RuimteError("the homography is not three rows of three numbers", where, "give that of the camera's calibration")
    scale = abs(homography).max()
    if scale == 0 or abs(np.linalg.det(homography / scale)) < 1e-12:
        raise RuimteError("the homography maps the picture to a line", where, "give that of the camera's calibration")
    return homography


def on_ground(frame: ImageFrame, homography: Array) -> Frame:
    """Where people stand, in metres; NaN above the camera's horizon, where there is no ground.

    The middle of the picture's lower edge is below the horizon.
    """
    side = np.sign(homography[2] @ [0.5, 1.0, 1.0])
    below = (homography[2] @ np.stack([frame.x, frame.y, np.ones_like(frame.x)])) * side > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        told = frame.on_ground(homography)
    x_m, y_m = (np.where(below, axis, np.nan) for axis in (told.x_m, told.y_m))
    return Frame(told.source, told.time_us, told.ids, x_m, y_m)
