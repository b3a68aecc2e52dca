"""Crowd state from counts: state in, state out; no I/O, no clock."""

from ruimte.estimate.advance import advance

__all__ = ["advance"]
