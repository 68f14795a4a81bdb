"""A log line searched for secrets: for one that is registered, and for a thousand."""

import statistics
import time
from collections.abc import Iterator

from pyhall_tui.logs.masking import forget_secrets, mask, register_secret
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
    yield Row(f"mask a log line, {MANY:,} secrets", ratio * one, "µs", one, "1 secret", f"≤ {_MOST} x", ratio <= _MOST)


def _microseconds(secrets: int, lines: int) -> float:
    for number in range(secrets):
        register_secret(f"phk_live_{number:06d}abcdefghijklmnop")
    began = time.perf_counter()
    for _ in range(lines):
        mask(LINE)
    took = (time.perf_counter() - began) / lines * 1e6
    forget_secrets()
    return took
