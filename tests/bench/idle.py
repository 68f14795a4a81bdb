"""Processor seconds a minute while nothing changes and nobody is there: the program polls within its budget.

It counts as nobody's after a minute without a key, so that long passes before it is measured (not with `--quick`).
"""

import time
from collections.abc import Iterator

from tests.bench._setting import Program, Registry, bare_app, cpu_seconds, home, open_app
from tests.bench.report import Row

FEW = 100
_SETTLE = 75.0
"""Seconds in which the program has started, made its first sweep, and found that nobody is there."""
_QUICK = 6.0
_MOST, _MOST_OF_MANY = 1.0, 5.0
"""Processor seconds a minute that are allowed."""


def run(quick: bool) -> Iterator[Row]:
    """Measure a bare app, few workers and many, at the default budget and swept once a minute.

    At 10 requests a second ten thousand are never through, so each verdict turns a stale row fresh: that is work. Where
    all are asked for each minute, the first round is waited for (not with `quick`), and then nothing changes.
    """
    many, span, settle = (3_000, 6.0, _QUICK) if quick else (10_000, 30.0, _SETTLE)
    with Registry(many) as registry:
        with home(registry.url, FEW) as few, home(registry.url, many) as large:
            bare = cpu_a_minute(bare_app(few), span, min(settle, 10.0))
            few_cpu = cpu_a_minute(open_app(few), span, settle)
            many_cpu = cpu_a_minute(open_app(large), span, settle)
        with home(registry.url, many, requests_per_second=many / 60, requests_in_flight=16) as swept:
            swept_cpu = cpu_a_minute(open_app(swept), span, settle)
    yield _row(f"idle, {FEW} workers", few_cpu, bare, "bare app", None if quick else _MOST)
    few_name, most = f"{FEW} workers", None if quick else _MOST_OF_MANY
    yield _row(f"idle, {many:,} workers, 10 requests/s", many_cpu, few_cpu, few_name, most)
    yield Row(f"idle, {many:,} workers, each once a minute", swept_cpu, "CPU s/min", few_cpu, f"{FEW} workers")


def _row(name: str, value: float, baseline: float, baseline_name: str, most: float | None) -> Row:
    target, met = (f"≤ {most:g}", value <= most) if most else ("", None)
    return Row(name, value, "CPU s/min", baseline, baseline_name, target, met)


def cpu_a_minute(program: Program, span: float, settle: float) -> float:
    """Return the processor seconds a minute that a program uses after `settle` seconds, measured for `span`."""
    with program:
        time.sleep(settle)
        began, used = time.monotonic(), cpu_seconds(program.pid)
        time.sleep(span)
        return (cpu_seconds(program.pid) - used) / (time.monotonic() - began) * 60
