"""A log line searched for secrets: for one that is registered, and for a thousand."""

import logging
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from pyhall_tui.logs.log_file import LogFile
from pyhall_tui.logs.masking import forget_secret, mask, register_secret
from tests.bench.report import Row, paired

MANY = 1_000
_MOST = 1.5
LINE = "2026-11-26T04:00:00.000Z WARNING pyhall_tui.registry req-1 GET /api/v1/verify/wkr_abc123 -> 200 41 ms"


def run(quick: bool) -> Iterator[Row]:
    """Measure lines with few and with many secrets registered, in turns."""
    rounds, lines = (3, 500) if quick else (7, 5_000)
    found: dict[int, list[float]] = {1: [], MANY: []}
    for _ in range(rounds):
        for count, took in found.items():
            took.append(_microseconds(count, lines))
    ratio, one = paired(found[MANY], found[1]), statistics.median(found[1])
    record, short = (_record(signs) for signs in (5_000_000, 65_536))
    yield Row("mask a log record of 5 MB", record, "ms", short, "one of 64 KB")
    yield Row(f"mask a log line, {MANY:,} secrets", ratio * one, "µs", one, "1 secret", f"≤ {_MOST} x", ratio <= _MOST)


def _record(length: int) -> float:
    """Return the milliseconds that a record of that length takes in the log: it is cut before it is masked."""
    register_secret("phk_live_abcdefghijklmnop")
    record = logging.makeLogRecord({"name": "bench", "levelno": 30, "levelname": "WARNING", "msg": "x" * length})
    took = []
    with tempfile.TemporaryDirectory() as folder:
        log = LogFile(Path(folder) / "log")
        for number in range(5):
            record.msg = f"{number}{'x' * length}"
            began = time.perf_counter()
            log.emit(record)
            took.append((time.perf_counter() - began) * 1000)
        log.close()
    forget_secret("phk_live_abcdefghijklmnop")
    return min(took)


def _microseconds(secrets: int, lines: int) -> float:
    for number in range(secrets):
        register_secret(f"phk_live_{number:06d}abcdefghijklmnop")
    began = time.perf_counter()
    for _ in range(lines):
        mask(LINE)
    took = (time.perf_counter() - began) / lines * 1e6
    for number in range(secrets):
        forget_secret(f"phk_live_{number:06d}abcdefghijklmnop")
    return took
