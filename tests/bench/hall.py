"""Dispatches and verifies a second of the embedded hall, beside a bare Starlette route that answers a constant."""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import aiohttp

from pyhall_tui.percentile import percentile
from tests.bench.report import Row, paired

IN_FLIGHT = 16
_MOST = {"verify": 1.25, "dispatch": 1.5}
_MOST_P99 = 2.0
_MOST_BESIDE = 4.0  # the three clients that take the lists in are on the same cores
_ASK = {
    "namespace": "org.yourco",
    "capability": "llm.text.generate",
    "worker_id": "wkr_abc123",
    "context": {"risk_tier": "low", "correlation_id": "c"},
}


class _Found(NamedTuple):
    ms: float
    """Milliseconds a request: the time of the run, by its requests."""
    p99: float
    """Milliseconds."""


def run(quick: bool) -> Iterator[Row]:
    """Measure both in turns."""
    rounds, each = (5, 20) if quick else (9, 80)
    with _server("hall") as hall, _server("bare") as bare:
        for operation in ("verify", "dispatch"):
            found: dict[str, list[_Found]] = {"hall": [], "bare": []}
            for _ in range(rounds):
                for name, (url, key) in (("hall", hall), ("bare", bare)):
                    found[name].append(asyncio.run(load(url, key, operation, each)))
            for figure in ("ms", "p99"):
                ours, theirs = ([getattr(one, figure) for one in found[name]] for name in ("hall", "bare"))
                base, ratio = statistics.median(theirs), paired(ours, theirs)
                name = f"{operation}, {'a request' if figure == 'ms' else 'p99'}"
                note = f"{1000 / (ratio * base):,.0f} /s" if figure == "ms" else ""
                most = _MOST[operation] if figure == "ms" else _MOST_P99
                yield Row(name, ratio * base, "ms", base, "bare Starlette", f"≤ {most} x", ratio <= most, note)
    yield _beside_long_answers(quick)


def _beside_long_answers(quick: bool) -> Row:
    """Verify while the same hall answers long lists again and again, beside verify while it answers nothing else."""
    rounds, count = (3, 20_000) if quick else (5, 1_000_000)
    alone, beside = [], []
    with _server("long", str(count)) as (url, key):
        for _ in range(rounds):
            alone.append(asyncio.run(load(url, key, "verify", 20)).p99)
            beside.append(asyncio.run(_load_beside_lists(url, key)).p99)
    base, ratio = statistics.median(alone), paired(beside, alone)
    name = f"verify beside lists of {count:,}, p99"
    met = ratio <= _MOST_BESIDE
    return Row(name, ratio * base, "ms", base, "the hall, nothing else", f"≤ {_MOST_BESIDE} x", met)


async def _load_beside_lists(url: str, key: str) -> _Found:
    async def ask(path: str) -> None:
        async with aiohttp.ClientSession(url, headers={"Authorization": f"Bearer {key}"}) as session:
            while True:
                async with session.get(path) as answer:
                    assert answer.status == 200
                    async for _ in answer.content.iter_any():
                        pass

    asking = [asyncio.create_task(ask(path)) for path in ("/api/v1/ban-list?limit=50000", "/workers", "/status")]
    try:
        return await load(url, key, "verify", 40)
    finally:
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)


@contextmanager
def _server(*which: str) -> Iterator[tuple[str, str]]:
    command = [sys.executable, "-m", "tests.bench._hall_server", *which]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process.stdout.readline().strip()
        finally:
            process.kill()


async def load(url: str, key: str, operation: str, each: int) -> _Found:
    """Ask `IN_FLIGHT` times `each` times, after ten times each that don't count."""
    times: list[float] = []
    headers = {"Authorization": f"Bearer {key}"}
    connector = aiohttp.TCPConnector(limit=IN_FLIGHT)
    async with aiohttp.ClientSession(url, headers=headers, connector=connector) as session:

        async def ask() -> None:
            began = time.perf_counter()
            if operation == "dispatch":
                request = session.post("/api/v1/dispatch", json=_ASK)
            else:
                request = session.get("/api/v1/verify/wkr_abc123")
            async with request as answer:
                await answer.read()
                assert answer.status == 200
            times.append(time.perf_counter() - began)

        async def worker(count: int) -> None:
            for _ in range(count):
                await ask()

        await asyncio.gather(*(worker(10) for _ in range(IN_FLIGHT)))
        times.clear()
        began = time.perf_counter()
        await asyncio.gather(*(worker(each) for _ in range(IN_FLIGHT)))
        took = time.perf_counter() - began
    return _Found(took * 1000 / len(times), percentile(sorted(times), 99) * 1000)
