"""Four halls on one PostgreSQL server that dispatch while ten bans a second come: what they know, and when.

Each ban is a transaction that also notes the log's head, so it is certain which decisions come after it.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

import aiohttp
import pytest

from pyhall_tui.hall import audit
from pyhall_tui.hall.models import Worker
from pyhall_tui.hall.policy import Policy, Rule, save_rules
from pyhall_tui.hall.store.postgres import PostgresStore
from pyhall_tui.percentile import percentile
from tests.bench.report import Row
from tests.bench.team_hall import Server, hall_server
from tests.postgres_cluster import cluster

_HALLS = 4
_IN_FLIGHT = 4  # for each hall
_RATE = 10.0  # bans a second
_MOST_BEHIND = 50.0  # milliseconds
_PAUSE = 0.003  # seconds between two looks whether a hall knows of a ban
_BANNED = b'"banned":true'


class _Found(NamedTuple):
    behind: list[float]
    """Milliseconds from a ban's commit until a hall's verify knew it, for each ban and hall."""
    decisions: int
    wrong: int
    """Decisions on the wrong side of a ban."""
    is_whole: bool
    seconds: float
    bans: int


def run(quick: bool) -> Iterator[Row | str]:
    """Measure with notifications and without; only a sentence if no PostgreSQL server is installed."""
    count = 100 if quick else 600
    try:
        with cluster() as server:
            for name, how in (("heard", "postgres"), ("not heard", "deaf")):
                yield from _rows(name, _measured(server.database(), how, count))
    except pytest.skip.Exception as missing:
        yield str(missing)


def _rows(name: str, found: _Found) -> Iterator[Row]:
    p99 = percentile(sorted(found.behind), 99)
    note = f"p50 {statistics.median(found.behind):.1f} ms; {found.bans / found.seconds:.1f} bans/s"
    target = f"≤ {_MOST_BEHIND:.0f} ms"
    yield Row(f"ban to verify under load, {name}, p99", p99, "ms", None, "", target, p99 <= _MOST_BEHIND, note)
    wrong = found.wrong if found.is_whole else float("inf")
    note = f"of {found.decisions:,}; {found.decisions / found.seconds:,.0f} /s; the chain is whole"
    yield Row(f"decisions on the wrong side, {name}", wrong, "", None, "", "0", wrong == 0, note)


def _measured(address: str, how: str, count: int) -> _Found:
    store = PostgresStore(address, make=True)
    key = _filled(store, count)
    with ExitStack() as stack:
        halls = [stack.enter_context(hall_server(how, address)) for _ in range(_HALLS)]
        since = time.time() + 1
        command = [sys.executable, "-m", "tests.bench._dispatches", key, str(since), str(_RATE), str(_IN_FLIGHT)]
        load = stack.enter_context(
            subprocess.Popen([*command, *(hall.url for hall in halls)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        )
        stack.callback(load.kill)
        marks, behind = asyncio.run(_bans(store, halls, key, since, count))
        seconds = time.time() - since
        told, _ = load.communicate(timeout=60)
        assert int(told) > 0
    rows = list(store.log.page(0, 10**9, 10**9))
    wrong = sum(_is_wrong(row.receipt, row.seq, marks) for row in rows)
    found = _Found(behind, len(rows), wrong, audit.verify(store).whole, seconds, count)
    store.close()
    return found


def _filled(store: PostgresStore, count: int) -> str:
    with store.write():
        for number in range(count + 10):
            about = Worker(worker_id=f"w-{number}", namespace="n", sha256=f"{number:064x}", attested_at="2026")
            about.capabilities = ("llm.x",)
            store.put_worker(about)
        save_rules(store, Policy(rule=(Rule(id="allow", outcome="allow", capability="llm.*"),)))
        return store.add_key("n")


async def _bans(
    store: PostgresStore, halls: list[Server], key: str, since: float, count: int
) -> tuple[dict[str, int], list[float]]:
    """Ban one worker's hash after the other; return the log's head at each ban, and how far behind the halls were."""
    marks: dict[str, int] = {}
    behind: list[float] = []
    seen = []
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}) as session:

        async def knows(hall: Server, number: int, began: float) -> None:
            while True:
                async with session.get(f"{hall.url}/api/v1/verify/w-{number}") as answer:
                    if _BANNED in await answer.read():
                        break
                await asyncio.sleep(_PAUSE)
            behind.append((time.perf_counter() - began) * 1000)

        for number in range(count):
            await asyncio.sleep(max(0.0, since + number / _RATE - time.time()))
            marks[f"w-{number}"] = await asyncio.to_thread(_ban, store, f"{number:064x}")
            began = time.perf_counter()
            seen += [asyncio.create_task(knows(hall, number, began)) for hall in halls]
        await asyncio.gather(*seen)
    return marks, behind


def _ban(store: PostgresStore, sha256: str) -> int:
    with store.write():
        store.ban_hash(sha256, "bench")
        return store.log.head().seq


def _is_wrong(receipt: str, seq: int, marks: dict[str, int]) -> bool:
    told = json.loads(receipt)
    mark = marks.get(told["worker_id"])
    if told["deny_code"] == "DENY_NO_AVAILABLE_WORKER":
        return False
    return (told["outcome"] == "deny") is not (mark is not None and seq > mark)
