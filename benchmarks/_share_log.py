"""The transparency log: how fast a whole one is checked, one entry is proved, and entries become durable."""

from __future__ import annotations

import hashlib
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks._report import Row, row
from ruimte.jobs.log import Log, log_origin
from ruimte.jobs.log_export import write_export
from ruimte.jobs.proving import trust, verify
from ruimte.keys.signature import generate

_ORIGIN = log_origin("urn:nld:oin:00000099000000001000", "bench")
_KEYS = generate()
_BATCH = 10_000


def bench_verify(n: int = 1_000_000) -> list[Row]:
    """``ruimte log verify`` of an export of ``n`` entries; beside it the least that SHA-256 costs: a hash a leaf and a node."""
    with tempfile.TemporaryDirectory(prefix="ruimte-bench-") as name, _filled(Path(name), n) as log:
        out = Path(name) / "log.txt"
        write_export(log, out, lambda _: None)
        whom = trust([str(log.key)], None)
        ours, floor = [], []
        for _ in range(3):
            began = time.perf_counter()
            verify(out, whom, None, None)
            ours.append(time.perf_counter() - began)
            floor.append(_hashes_alone(out))
    figure = f"check an exported log of {n:,} entries"
    peer = "hashlib alone, all nodes of the tree"
    return [row(figure, statistics.median(ours), "s", most=30, peer=peer, peer_value=statistics.median(floor))]


def bench_proof(n: int = 1_000_000) -> list[Row]:
    """Prove single entries of a log of ``n``; open and check it; make an entry durable, alone and 64 at a time."""
    with tempfile.TemporaryDirectory(prefix="ruimte-bench-") as name:
        with _filled(Path(name), n) as log:
            proving = [_timed(lambda index=index: log.proof(index)) for index in range(0, n, max(n // 200, 1))]
            alone = [_timed(lambda: log.append("release", {"sha256": "0" * 64}).result()) for _ in range(100)]
            together = [_timed(lambda: _append_together(log, 64)) for _ in range(20)]
        opening = _timed(lambda: _open(Path(name)).close())
    return [
        row(f"prove an entry of a log of {n:,}", 1000 * statistics.median(proving), "ms", most=10),
        row(f"open a log of {n:,} entries, checking all of it", opening, "s"),
        row("an entry is durable, one at a time (median)", 1000 * statistics.median(alone), "ms"),
        row("entries made durable with 64 waiting", 64 / statistics.median(together), "/s"),
    ]


def _filled(folder: Path, n: int) -> Log:
    log = _open(folder)
    for start in range(0, n, _BATCH):
        log.append_many([("release", {"n": number}) for number in range(start, min(start + _BATCH, n))]).result()
    return log


def _open(folder: Path) -> Log:
    return Log(folder / "bench.log.db", _ORIGIN, (_KEYS.private, _KEYS.public), _now_us)


def _hashes_alone(export: Path) -> float:
    """Seconds for the tree's hashes and nothing else."""
    leaves = export.read_bytes().split(b"\n\n", 2)[2].splitlines()
    began = time.perf_counter()
    level = [hashlib.sha256(b"\x00" + leaf).digest() for leaf in leaves]
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        level = [hashlib.sha256(b"\x01" + left + right).digest() for left, right in pairs] + level[len(level) & ~1 :]
    return time.perf_counter() - began


def _append_together(log: Log, count: int) -> None:
    for future in [log.append("release", {"sha256": "0" * 64, "n": number}) for number in range(count)]:
        future.result()


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _now_us() -> int:
    return time.time_ns() // 1000
