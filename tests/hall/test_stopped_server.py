"""A hall whose PostgreSQL server stops answering: nothing waits for it for long, and the hall connects again."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import httpx
import pytest

from pyhall_tui.hall import audit
from pyhall_tui.hall.store.postgres import PostgresStore
from tests.hall.postgres_stores import store_with_a_worker
from tests.hall.process import served
from tests.live_hall import HASH
from tests.pgbouncer import answers, pgbouncer
from tests.postgres_cluster import Cluster
from tests.waiting import until

pytestmark = pytest.mark.thorough
_BOUND = 30.0
"""Seconds for any answer, on a busy machine; a hall that waits for a stopped process never answers."""
_ASK = {"namespace": "n", "capability": "llm.x", "worker_id": "w"}
_SHA = "ab" * 32
_OF_THE_HALL = "SELECT pid FROM pg_stat_activity WHERE application_name = 'pyhall-tui hall' ORDER BY backend_start"
_ANY = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"


@pytest.fixture
def address(postgres: Cluster) -> str:
    return postgres.database()


@pytest.fixture
def store(address: str) -> Iterator[PostgresStore]:
    """The test's own view, opened before anything is stopped."""
    made = store_with_a_worker(address)
    yield made
    made.close()


@asynccontextmanager
async def hall(address: str, key: str) -> AsyncIterator[httpx.AsyncClient]:
    """Serve a hall in another process, and return its client."""
    with served(address, "--rate", "0", key=key) as running:
        headers = {"Authorization": f"Bearer {key}"}
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(
            base_url=running.url, headers=headers, trust_env=False, timeout=_BOUND, limits=limits
        ) as http:
            yield http


async def asked(http: httpx.AsyncClient) -> list[int]:
    """Ask for everything at once that needs the store, and return the statuses: each within `_BOUND`."""
    found = await asyncio.gather(
        http.get("/api/v1/verify/w"),
        http.get("/api/v1/verify/nobody"),  # it is not remembered
        http.post("/api/v1/dispatch", json=_ASK),
        http.get("/api/v1/ban-list"),
        http.put("/api/v1/workers/w/attest", json={"sha256": HASH}),
        http.post("/api/v1/ban-list/report", json={"sha256": _SHA, "reason": "odd"}),
        http.get("/status"),
    )
    return [each.status_code for each in found]


_FINE = [200, 404, 200, 200, 200, 202, 200]


async def works(http: httpx.AsyncClient) -> None:
    """Ask until everything is answered again. Until then, each answer is that or 503."""
    async with asyncio.timeout(2 * _BOUND):
        while (statuses := await asked(http)) != _FINE:
            assert all(found in (fine, 503) for found, fine in zip(statuses, _FINE, strict=True)), statuses
            await asyncio.sleep(0.01)


@contextmanager
def stopped(*processes: int) -> Iterator[None]:
    """Stop processes, and let them go on afterwards."""
    for each in processes:
        _signal(each, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in processes:
            _signal(each, signal.SIGCONT)


def _signal(process: int, sig: int) -> None:
    with suppress(ProcessLookupError):  # the hall has let go of it just now
        os.kill(process, sig)


def processes_of(postgres: Cluster, address: str, sql: str = _OF_THE_HALL) -> list[int]:
    return [int(line) for line in postgres.sql(sql, address=address).split()]


async def test_whichever_process_of_the_server_stops_the_hall_soon_works_without_it(
    store: PostgresStore, address: str, postgres: Cluster
) -> None:
    ours = set(processes_of(postgres, address))
    async with hall(address, store.add_key("n")) as http:
        await works(http)
        tried: set[int] = set()
        while others := [each for each in processes_of(postgres, address) if each not in ours | tried]:
            tried.add(others[0])
            with stopped(others[0]):
                await works(http)
            if len(tried) == 6:  # those that were lost were replaced
                break
        assert len(tried) >= 5, "its main one, and those to listen, to append, for long reads and for writes"
        store.ban("w", "leaks")
        told = (await http.post("/api/v1/dispatch", json=_ASK)).json()
        assert told["outcome"] == "deny"
    logged = [json.loads(row.receipt)["decision_id"] for row in store.log.page(0, 10**9, 10**9)]
    assert told["decision_id"] in logged and audit.verify(store).whole


async def test_while_a_look_at_the_store_waits_everything_else_is_answered(
    store: PostgresStore, address: str, postgres: Cluster
) -> None:
    looks = _OF_THE_HALL.replace("ORDER BY", "AND query LIKE '%w.worker_id = ANY%' ORDER BY")

    async def known(http: httpx.AsyncClient, *, banned: bool) -> httpx.Response:
        """Ask until the hall has heard of it, or refuses."""
        while True:
            answer = await http.get("/api/v1/verify/w")
            if answer.status_code != 200 or answer.json()["banned"] is banned:
                return answer

    ours = set(processes_of(postgres, address))
    async with hall(address, store.add_key("n")) as http:
        await works(http)
        store.ban("w", "leaks")
        assert (await known(http, banned=True)).status_code == 200
        theirs = set(processes_of(postgres, address, looks)) - ours
        assert theirs
        with stopped(*theirs):
            store.unban("w")
            waiting, answers = asyncio.create_task(known(http, banned=False)), 0
            while not waiting.done():
                assert (await http.get("/openapi.json")).status_code == 200
                answers += 1
            assert (await waiting).status_code == 503 and answers > 10
        await works(http)


async def test_all_of_the_server_stops_and_goes_on(store: PostgresStore, address: str, postgres: Cluster) -> None:
    async with hall(address, store.add_key("n")) as http:
        await works(http)
        with stopped(postgres.pid, *processes_of(postgres, address, _ANY)):
            for _ in range(3):
                statuses = await asked(http)
                assert statuses[2:6] == [503] * 4, "nothing is decided, written or called a whole list"
        await works(http)
    assert audit.verify(store).whole


async def test_a_pooler_s_connection_to_the_server_stops(store: PostgresStore, address: str, postgres: Cluster) -> None:
    with pgbouncer(postgres, "transaction") as pooled:
        await until(lambda: answers(pooled))
        ours = set(processes_of(postgres, address, _ANY))
        async with hall(pooled, store.add_key("n")) as http:
            await works(http)
            with stopped(*(set(processes_of(postgres, address, _ANY)) - ours)):
                await works(http)
    assert audit.verify(store).whole
