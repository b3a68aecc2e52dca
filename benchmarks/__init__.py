"""Benchmarks: one file a station. They print figures beside their peers; they never fail a test run."""
