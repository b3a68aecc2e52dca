"""The processing log: a line for each release, in the fields of the standard, or no release."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from ruimte.clock import DAY_US
from ruimte.errors import RuimteError
from ruimte.jobs.processing_log import ProcessingLog, activity_uri, foreign, processing_path

NOW_US = 1_782_000_000_123_000  # 2026-06-21T00:00:00.123Z
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
ENTITY = "urn:nld:oin:00000099000000002000"
ACTIVITY = activity_uri("Zm9v", "event-safety")


class Clock:
    def __init__(self) -> None:
        self.now_us = NOW_US

    def __call__(self) -> int:
        return self.now_us


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return processing_path(tmp_path / "data", "town")


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_has_the_fields_of_the_standard_and_none_for_a_data_subject(path: Path) -> None:
    clock = Clock()
    with ProcessingLog(path, clock) as log, log.processing("release state", ACTIVITY, TRACEPARENT, ENTITY) as span:
        span.note("dpl.ruimte.log_index", 7)
        clock.now_us += 5_000
    (line,) = read(path)
    assert re.fullmatch("[0-9a-f]{32}", line.pop("trace_id"))
    assert re.fullmatch("[0-9a-f]{16}", line.pop("span_id"))
    assert line.pop("resource")["attributes"]["service.name"] == "ruimte"
    assert line == {
        "status_code": "STATUS_CODE_UNSET",
        "name": "release state",
        "start_time": "2026-06-21T00:00:00.123Z",
        "end_time": "2026-06-21T00:00:00.128Z",
        "attributes": {"dpl.core.processing_activity_id": "urn:ruimte:agreement:Zm9v:event-safety", "dpl.ruimte.log_index": 7},
        "foreign_operation": {"trace_id": TRACEPARENT[3:35], "span_id": TRACEPARENT[36:52], "entity": ENTITY},
    }
    assert "data_subject" not in path.read_text()


def test_nothing_about_a_data_subject_can_be_noted(path: Path) -> None:
    with ProcessingLog(path, Clock()) as log, log.processing("release", ACTIVITY) as span:
        for name in ("dpl.core.data_subject_id", "dpl.core.data_subject_id_type", "who"):
            with pytest.raises(ValueError, match="no place"):
                span.note(name, "x")
    assert list(read(path)[0]["attributes"]) == ["dpl.core.processing_activity_id"]


def test_every_processing_has_a_trace_of_its_own_that_it_can_hand_on(path: Path) -> None:
    with ProcessingLog(path, Clock()) as log:
        for _ in range(3):
            with log.processing("release", ACTIVITY, TRACEPARENT) as span:
                handed = foreign(span.traceparent)
        lines = read(path)
        assert len({line["trace_id"] for line in lines}) == 3
        assert TRACEPARENT[3:35] not in {line["trace_id"] for line in lines}
        assert handed is not None
        assert (handed.trace_id, handed.span_id) == (lines[-1]["trace_id"], lines[-1]["span_id"])
        assert "entity" not in lines[-1]["foreign_operation"]


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "x",
        TRACEPARENT + "-more",
        TRACEPARENT.replace("00-", "ff-", 1),
        f"00-{'0' * 32}-{'1' * 16}-01",
        TRACEPARENT.upper(),
    ],
)
def test_what_is_no_traceparent_starts_no_foreign_operation(path: Path, header: str | None) -> None:
    with ProcessingLog(path, Clock()) as log, log.processing("release", ACTIVITY, header, ENTITY):
        pass
    assert "foreign_operation" not in read(path)[0]


def test_a_refusal_is_no_failure_and_a_mistake_of_the_node_is(path: Path) -> None:
    with ProcessingLog(path, Clock()) as log:
        with pytest.raises(RuimteError), log.processing("refused", ACTIVITY):
            raise RuimteError("not agreed")
        with pytest.raises(ZeroDivisionError), log.processing("broken", ACTIVITY):
            raise ZeroDivisionError
        with log.processing("told", ACTIVITY) as span:
            span.fail()
    told = {line["name"]: line["status_code"].removeprefix("STATUS_CODE_") for line in read(path)}
    assert told == {"refused": "UNSET", "broken": "ERROR", "told": "ERROR"}


def test_what_cannot_be_written_is_not_released(path: Path) -> None:
    path.mkdir(parents=True)  # in the way
    with ProcessingLog(path, Clock()) as log:
        with pytest.raises(RuimteError, match="cannot be written"), log.processing("release", ACTIVITY):
            pass
        path.rmdir()
        with log.processing("again", ACTIVITY):
            pass
    assert [line["name"] for line in read(path)] == ["again"]


def test_a_line_that_does_not_fit_leaves_nothing_half(path: Path) -> None:
    resource = pytest.importorskip("resource")
    with ProcessingLog(path, Clock()) as log:
        with log.processing("first", ACTIVITY):
            pass
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 50, before[1]))
        try:
            with pytest.raises(RuimteError, match="cannot be written"), log.processing("second", ACTIVITY):
                pass
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        with log.processing("third", ACTIVITY):
            pass
    assert [line["name"] for line in read(path)] == ["first", "third"]


def test_spans_that_are_switched_off_switch_the_release_off(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    with (
        ProcessingLog(path, Clock()) as log,
        pytest.raises(RuimteError, match="switched off"),
        log.processing("release", ACTIVITY),
    ):
        raise AssertionError("it must not come so far")


def test_settings_for_other_programs_leave_out_and_cut_off_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("OTEL_TRACES_SAMPLER", "always_off"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "5"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "0"),
    ):
        monkeypatch.setenv(name, value)
    with ProcessingLog(path, Clock()) as log, log.processing("release", ACTIVITY):
        pass
    assert read(path)[0]["attributes"] == {"dpl.core.processing_activity_id": ACTIVITY}


def test_each_day_has_a_file_and_what_is_too_old_goes(path: Path) -> None:
    clock = Clock()
    with ProcessingLog(path, clock, kept_us=3 * DAY_US) as log:
        for day in range(6):
            clock.now_us = NOW_US + day * DAY_US
            with log.processing(f"day {day}", ACTIVITY):
                pass
    names = sorted(each.name for each in path.parent.iterdir())
    assert names == [f"town.processing.2026-06-{day}.jsonl" for day in (23, 24, 25)] + ["town.processing.jsonl"]
    assert read(path)[0]["name"] == "day 5"


def test_a_node_that_starts_the_next_day_puts_the_last_one_away_and_loses_nothing(path: Path) -> None:
    clock = Clock()
    for _ in range(2):
        with ProcessingLog(path, clock) as log, log.processing("release", ACTIVITY):
            pass
    os.utime(path, (NOW_US / 1e6, NOW_US / 1e6))
    clock.now_us += DAY_US
    with ProcessingLog(path, clock) as log, log.processing("next", ACTIVITY):
        pass
    assert len(read(path.with_suffix(".2026-06-21.jsonl"))) == 2
    assert len(read(path)) == 1


def test_a_collector_gets_the_spans_too_where_one_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []

    class Exporter:
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            sent.extend(span.name for span in spans)
            return SpanExportResult.SUCCESS

        def shutdown(self) -> None: ...

    module = ModuleType("trace_exporter")
    module.OTLPSpanExporter = Exporter  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", module)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    with ProcessingLog(path, Clock()) as log, log.processing("release", ACTIVITY):
        pass
    assert sent == [line["name"] for line in read(path)] == ["release"]


def test_a_collector_without_the_package_for_it_is_told_of(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    with ProcessingLog(path, Clock()) as log, log.processing("release", ACTIVITY):
        pass
    assert "not installed" in caplog.text
    assert len(read(path)) == 1


def test_a_line_costs_little(path: Path) -> None:
    with ProcessingLog(path, Clock()) as log:
        best = 1.0
        for _ in range(5):
            began = time.process_time()
            for _ in range(200):
                with log.processing("release", ACTIVITY, TRACEPARENT, ENTITY):
                    pass
            best = min(best, (time.process_time() - began) / 200)
    assert best < 300e-6  # of the processor; usually about 50 µs
