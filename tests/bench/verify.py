"""Verifies a second at 32 in flight: our client against a bare aiohttp session, plain httpx and, if installed, httpx2.

The server is plain asyncio in its own process; it answers at once, or after 50 ms. Clients take turns, a process each.
"""

import importlib.util
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator

from tests.bench._setting import Registry
from tests.bench._verify_client import WORKERS
from tests.bench.report import Row, paired

IN_FLIGHT = 32
_MOST_CPU_US = 400
"""On a quiet machine; the ratio counts on any."""
_MOST_CPU_RATIO = 2.6
_LEAST_SHARE = 0.97


def run(quick: bool) -> Iterator[Row]:
    """Measure on both servers."""
    rounds, seconds = (1, 0.5) if quick else (5, 1.5)
    names = ["ours", "aiohttp", "httpx", *(["httpx2"] if importlib.util.find_spec("httpx2") else [])]
    with Registry(WORKERS) as registry:
        for latency in (0.0, 0.05):
            registry.set(latency=latency)
            found: dict[str, list[dict[str, float]]] = {name: [] for name in names}
            for _ in range(rounds):
                for name in names:
                    found[name].append(_client(name, registry.url, seconds))
            yield from _rows("at once" if latency == 0 else "50 ms", found)


def _rows(server: str, found: dict[str, list[dict[str, float]]]) -> Iterator[Row]:
    def figures(name: str, of: str) -> list[float]:
        return [run[of] for run in found[name]]

    bare = figures("aiohttp", "rate")
    for name in found:
        if name == "aiohttp":
            continue
        ratio, rate = paired(figures(name, "rate"), bare), statistics.median(bare)
        slow = server == "50 ms" and name == "ours"
        target, met = (f"≥ {_LEAST_SHARE} x", ratio >= _LEAST_SHARE) if slow else ("", None)
        note = f"p95 {statistics.median(figures(name, 'p95_ms')):.0f} ms"
        yield Row(f"verify, {server}: {name}", ratio * rate, "/s", rate, "aiohttp", target, met, note)
    for name in found:
        cpu, bare_cpu = (statistics.median(figures(which, "cpu_us")) for which in (name, "aiohttp"))
        ours = name == "ours" and server == "at once"
        target, met = (f"≤ {_MOST_CPU_US} µs", cpu <= _MOST_CPU_US) if ours else ("", None)
        yield Row(f"CPU a verify, {server}: {name}", cpu, "µs", bare_cpu, "aiohttp", target, met)
        if ours:
            ratio = paired(figures(name, "cpu_us"), figures("aiohttp", "cpu_us"))
            target, met = f"≤ {_MOST_CPU_RATIO} x", ratio <= _MOST_CPU_RATIO
            yield Row(
                f"CPU a verify, {server}: {name}, paired", ratio * bare_cpu, "µs", bare_cpu, "aiohttp", target, met
            )


def _client(name: str, url: str, seconds: float) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench._verify_client", name, url, str(seconds), str(IN_FLIGHT)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures
