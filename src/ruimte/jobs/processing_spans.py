"""The processing log's lines as OpenTelemetry spans: each ends in the file, at once, and where there is one in a collector."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from opentelemetry.context import Context
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import Link, Span, SpanContext, Status, StatusCode, TraceFlags

from ruimte import __version__
from ruimte.clock import from_us
from ruimte.errors import RuimteError
from ruimte.jobs.processing_log import Foreign

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_ENTITY = "entity"

_log = logging.getLogger(__name__)


class Spans:
    """Starts and ends spans. ``write`` takes a line of JSON, and raises where it cannot be kept."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        unset = SpanLimits.UNSET  # nothing is cut off by settings that are meant for other programs, nor left out by sampling
        self._provider = TracerProvider(
            sampler=ALWAYS_ON,
            resource=Resource({SERVICE_NAME: "ruimte", SERVICE_VERSION: __version__}),
            span_limits=SpanLimits(max_attribute_length=unset, max_span_attribute_length=unset, max_span_attributes=unset),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(_ToFile(write))
        if os.environ.get(ENDPOINT):
            self._to_collector()
        self._tracer = self._provider.get_tracer("ruimte")

    def start(self, name: str, attributes: Mapping[str, str], foreign: Foreign | None, at_ns: int) -> Span:
        """A span with a trace of its own: what asked for it, elsewhere, is a link. Raises ``RuimteError`` where spans are off."""
        links = [] if foreign is None else [_link(foreign)]
        span = self._tracer.start_span(name, Context(), attributes=attributes, links=links, start_time=at_ns)
        if not span.is_recording():
            raise RuimteError("spans are switched off", "OTEL_SDK_DISABLED", "unset it: no log, no data")
        return span

    def end(self, span: Span, failed: bool, at_ns: int) -> None:
        """The span is over, and written. Raises ``RuimteError`` where it cannot be."""
        if failed:
            span.set_status(Status(StatusCode.ERROR))
        span.end(at_ns)

    def close(self) -> None:
        self._provider.shutdown()

    def _to_collector(self) -> None:
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        except ImportError:
            _log.warning("%s is set, but opentelemetry-exporter-otlp-proto-http is not installed", ENDPOINT)
            return
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))


class _ToFile(SpanProcessor):
    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write

    def on_end(self, span: ReadableSpan) -> None:
        self._write(msgspec.json.encode(line(span)))


def line(span: ReadableSpan) -> dict[str, Any]:
    """A span in the fields of the standard; times in ISO 8601, UTC, to the millisecond."""
    context = span.context
    assert context is not None  # it has been started
    told: dict[str, Any] = {
        "trace_id": f"{context.trace_id:032x}",
        "span_id": f"{context.span_id:016x}",
        "status_code": f"STATUS_CODE_{span.status.status_code.name}",
        "name": span.name,
        "start_time": _iso(span.start_time),
        "end_time": _iso(span.end_time),
        "attributes": dict(span.attributes or {}),
        "resource": {"attributes": {key: span.resource.attributes[key] for key in (SERVICE_NAME, SERVICE_VERSION)}},
    }
    for link in span.links:
        asked = {"trace_id": f"{link.context.trace_id:032x}", "span_id": f"{link.context.span_id:016x}"}
        told["foreign_operation"] = asked | {key: value for key, value in (link.attributes or {}).items() if value}
    return told


def _link(foreign: Foreign) -> Link:
    context = SpanContext(int(foreign.trace_id, 16), int(foreign.span_id, 16), is_remote=True, trace_flags=TraceFlags(1))
    return Link(context, {_ENTITY: foreign.entity})


def _iso(ns: int | None) -> str:
    return from_us((ns or 0) // 1000).isoformat(timespec="milliseconds").replace("+00:00", "Z")
