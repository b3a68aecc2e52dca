"""The conformance table of OGC 18-088 Annex A: one module a requirement class, one row a check."""

from . import arrays, batch, change, create, datamodel, filters, multi, options, overmqtt, paths

__all__ = ["arrays", "batch", "change", "create", "datamodel", "filters", "multi", "options", "overmqtt", "paths"]
