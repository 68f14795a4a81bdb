"""Halls on one PostgreSQL server beside one on SQLite: decisions a second, processor time, bans between halls."""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import aiohttp
import pytest

from pyhall_tui.hall.store.postgres import PostgresStore
from pyhall_tui.percentile import percentile
from tests.bench._setting import cpu_seconds
from tests.bench.hall import load
from tests.bench.report import Row, paired
from tests.postgres_cluster import cluster

_HALLS = (1, 2, 4)
_MOST_CPU = 1.4
_MOST_CPU_BARE = 1.5
_MOST_BEHIND = 50.0  # milliseconds
_WORKER = "wkr_abc123"
_HASH_IS_BANNED = b'"banned":true'


class Server(NamedTuple):
    """A running hall, or what it is compared with."""

    url: str
    key: str
    pid: int


class _Found(NamedTuple):
    rate: float
    """Decisions a second of all halls."""
    cpu: float
    """Microseconds of one hall's processor time a dispatch."""


def run(quick: bool) -> Iterator[Row | str]:
    """Measure all in turns; only a sentence if no PostgreSQL server is installed."""
    try:
        with cluster() as server:
            yield from _measured(server.database(), quick)
    except pytest.skip.Exception as missing:
        yield str(missing)


def _measured(address: str, quick: bool) -> Iterator[Row]:
    rounds, each = (3, 20) if quick else (7, 80)
    found: dict[str, list[_Found]] = {name: [] for name in ("bare", "sqlite", *map(str, _HALLS))}
    with ExitStack() as stack:
        bare, sqlite = (stack.enter_context(hall_server(which)) for which in ("bare", "hall"))
        halls = [stack.enter_context(hall_server("postgres", address)) for _ in range(max(_HALLS))]
        for _ in range(rounds):
            found["bare"].append(asyncio.run(_loaded([bare], each)))
            found["sqlite"].append(asyncio.run(_loaded([sqlite], each)))
            for count in _HALLS:
                found[str(count)].append(asyncio.run(_loaded(halls[:count], each)))
        yield from _rows(found)
        yield asyncio.run(_behind(address, halls[0], 60 if quick else 400))


def _rows(found: dict[str, list[_Found]]) -> Iterator[Row]:
    def row(name: str, figure: str, of: str, to: str, most: float | None) -> Row:
        ours, theirs = ([getattr(one, figure) for one in found[which]] for which in (of, to))
        base, ratio = statistics.median(theirs), paired(ours, theirs)
        unit = "/s" if figure == "rate" else "µs"
        against = "bare Starlette" if to == "bare" else "SQLite"
        target, met = (f"≤ {most} x", ratio <= most) if most else ("", None)
        return Row(name, ratio * base, unit, base, against, target, met)

    for count in _HALLS:
        yield row(f"dispatches, PostgreSQL, halls: {count}", "rate", str(count), "sqlite", None)
    yield row("CPU a dispatch, PostgreSQL", "cpu", "1", "sqlite", _MOST_CPU)
    yield row("CPU a dispatch, one of 4 halls", "cpu", "4", "sqlite", None)
    yield row("CPU a dispatch, SQLite", "cpu", "sqlite", "bare", _MOST_CPU_BARE)


async def _loaded(servers: Sequence[Server], each: int) -> _Found:
    began = time.perf_counter()
    before = [cpu_seconds(server.pid) for server in servers]
    await asyncio.gather(*(load(server.url, server.key, "dispatch", each) for server in servers))
    took = time.perf_counter() - began
    cpu = sum(cpu_seconds(server.pid) for server in servers) - sum(before)
    count = (each + 10) * 16 * len(servers)
    return _Found(count / took, cpu / count * 1e6)


async def _behind(address: str, hall: Server, times: int) -> Row:
    """How long a hall's verify still answers as before a ban that another hall has taken."""
    other = PostgresStore(address)
    behind: list[float] = []
    worker = other.worker(_WORKER)
    assert worker is not None and worker.sha256 is not None
    async with aiohttp.ClientSession(hall.url, headers={"Authorization": f"Bearer {hall.key}"}) as session:

        async def is_banned() -> bool:
            async with session.get(f"/api/v1/verify/{_WORKER}") as answer:
                return _HASH_IS_BANNED in await answer.read()

        for _ in range(times):
            assert not await is_banned()
            await asyncio.to_thread(other.ban_hash, worker.sha256, "bench")
            began = time.perf_counter()
            while not await is_banned():
                continue
            behind.append((time.perf_counter() - began) * 1000)
            other.unban_hash(worker.sha256)
            while await is_banned():
                continue
    other.close()
    p99 = percentile(sorted(behind), 99)
    note = f"p50 {statistics.median(behind):.1f} ms, of {times} bans, with a verify's own time"
    target = f"≤ {_MOST_BEHIND:.0f} ms"
    return Row("ban to verify, another hall, p99", p99, "ms", None, "", target, p99 <= _MOST_BEHIND, note)


@contextmanager
def hall_server(*which: str) -> Iterator[Server]:
    """Run `_hall_server` with these arguments."""
    command = [sys.executable, "-m", "tests.bench._hall_server", *which]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Server(process.stdout.readline().strip(), process.stdout.readline().strip(), process.pid)
        finally:
            process.kill()
