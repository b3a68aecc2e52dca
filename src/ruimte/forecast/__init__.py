"""Forecasts from the past of a place: pure functions on arrays."""
