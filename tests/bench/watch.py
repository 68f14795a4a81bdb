"""The watcher without a screen: processor seconds a minute, and peak memory; and the app beside it."""

import time
from collections.abc import Iterator

from tests.bench._setting import Registry, cpu_seconds, home, open_app, peak_memory
from tests.bench.idle import cpu_a_minute
from tests.bench.report import Row

FEW = 100
_SETTLE, _QUICK = 75.0, 8.0
"""Seconds in which it has started and made its first sweep."""
_CPU, _MEMORY = 1.2, 60.0
"""Processor seconds a minute, and MiB, that are allowed with few workers."""


def run(quick: bool) -> Iterator[Row]:
    """Measure both at the default budget, with heartbeats, events and metrics on."""
    many, span, settle = (3_000, 10.0, _QUICK) if quick else (10_000, 60.0, _SETTLE)
    with Registry(many) as registry:
        few_cpu, few_peak = _measured(registry, FEW, span, settle)
        many_cpu, many_peak = _measured(registry, many, span, settle)
        beside = [*_beside(registry, span, settle)]
    name = f"{FEW} workers"
    met = None if quick else few_cpu <= _CPU
    yield Row(f"watch, {name}", few_cpu, "CPU s/min", None, "", f"≤ {_CPU:g}", met)
    yield Row(f"watch, {many:,} workers", many_cpu, "CPU s/min", few_cpu, name)
    yield Row(f"watch, peak memory, {name}", few_peak, "MiB", None, "", f"≤ {_MEMORY:g}", few_peak <= _MEMORY)
    yield Row(f"watch, peak memory, {many:,} workers", many_peak, "MiB", few_peak, name)
    yield from beside


def _beside(registry: Registry, span: float, settle: float) -> Iterator[Row]:
    """Measure the app by itself, and beside a watcher of the same profile."""
    with home(registry.url, FEW) as place:
        by_itself = cpu_a_minute(open_app(place), span, settle)
    with home(registry.url, FEW) as place, open_app(place, "watch") as program:
        program.wait_for(b'"state":"live"')
        beside = cpu_a_minute(open_app(place), span, settle)
    yield Row(f"app beside a watcher, {FEW} workers", beside, "CPU s/min", by_itself, "app by itself")


def _measured(registry: Registry, workers: int, span: float, settle: float) -> tuple[float, float]:
    with home(registry.url, workers) as place, open_app(place, "watch", "--metrics", "127.0.0.1:0") as program:
        program.wait_for(b'"state":"live"')
        time.sleep(settle)
        began, used = time.monotonic(), cpu_seconds(program.pid)
        time.sleep(span)
        return (cpu_seconds(program.pid) - used) / (time.monotonic() - began) * 60, peak_memory(program.pid)
