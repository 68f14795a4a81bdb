"""Processor seconds a minute while nothing changes: the program polls within its budget and shows the same rows."""

import time
from collections.abc import Iterator

from tests.bench._setting import Program, Registry, bare_app, cpu_seconds, home, open_app
from tests.bench.report import Row

FEW = 100
_SETTLE = 6.0
"""Seconds in which the program has started, restored its fleet and connected."""


def run(quick: bool) -> Iterator[Row]:
    """Measure a bare app, few workers and many, at the default budget and swept once a minute.

    At 10 requests a second ten thousand are never through, so each verdict turns a stale row fresh: that is work. Where
    all are asked for each minute, the first round is waited for (not with `quick`), and then nothing changes.
    """
    many, span, first_round = (3_000, 6.0, _SETTLE) if quick else (10_000, 30.0, 66.0)
    with Registry(many) as registry:
        with home(registry.url, FEW) as few, home(registry.url, many) as large:
            bare = _cpu_a_minute(bare_app(few), span)
            few_cpu = _cpu_a_minute(open_app(few), span)
            many_cpu = _cpu_a_minute(open_app(large), span)
        with home(registry.url, many, requests_per_second=many / 60, requests_in_flight=16) as swept:
            swept_cpu = _cpu_a_minute(open_app(swept), span, settle=first_round)
    yield Row(f"idle, {FEW} workers", few_cpu, "CPU s/min", bare, "bare app")
    yield Row(f"idle, {many:,} workers, 10 requests/s", many_cpu, "CPU s/min", few_cpu, f"{FEW} workers")
    yield Row(f"idle, {many:,} workers, each once a minute", swept_cpu, "CPU s/min", few_cpu, f"{FEW} workers")


def _cpu_a_minute(program: Program, span: float, settle: float = _SETTLE) -> float:
    with program:
        time.sleep(settle)
        began, used = time.monotonic(), cpu_seconds(program.pid)
        time.sleep(span)
        return (cpu_seconds(program.pid) - used) / (time.monotonic() - began) * 60
