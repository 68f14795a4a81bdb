"""Peak memory with 100 and with 10,000 workers watched, each verified once since the start; and per watched worker."""

import time
from collections.abc import Iterator

from tests.bench._setting import Program, Registry, bare_app, home, open_app, peak_memory
from tests.bench.report import Row

FEW = 100


def run(quick: bool) -> Iterator[Row]:
    """Measure three processes: a bare app, few workers, many."""
    many = 2_000 if quick else 10_000
    with Registry(many) as registry:
        few_peak = _peak(registry, FEW)
        many_peak = _peak(registry, many)
        with home(registry.url, 1) as place, bare_app(place) as program:
            program.wait_for(b"only line")
            bare = peak_memory(program.pid)
    yield Row(f"peak memory, {FEW} workers", few_peak, "MiB", bare, "bare app")
    yield Row(f"peak memory, {many:,} workers", many_peak, "MiB", few_peak, f"{FEW} workers")
    yield Row("memory a watched worker", (many_peak - few_peak) * 1024 / (many - FEW), "KiB")


def _peak(registry: Registry, workers: int) -> float:
    budget = {"requests_per_second": 1000.0, "requests_in_flight": 32, "poll_interval": 10.0}
    with home(registry.url, workers, journaled=True, **budget) as place, open_app(place) as program:
        wait_for_round(registry, program, workers)
        return peak_memory(program.pid)


def wait_for_round(registry: Registry, program: Program, workers: int, patience: float = 120.0) -> None:
    """Wait until the program has asked as often as it has workers, and then a little."""
    began, deadline = registry.set()["verifies"], time.monotonic() + patience
    while registry.set()["verifies"] - began < workers:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{program.pid} has not verified {workers} workers")
        time.sleep(0.25)
    time.sleep(1.0)
