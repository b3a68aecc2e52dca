"""Recorded tracks, by format: one small file each."""

from __future__ import annotations

from ruimte.intake.tracks.read import read_tracks
from ruimte.intake.tracks.recording import Recording

__all__ = ["Recording", "read_tracks"]
