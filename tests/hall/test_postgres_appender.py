"""A hall on PostgreSQL appends to the log beside its event loop: whatever the server does, other requests go on."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise

import httpx
import psycopg
import pytest

from pyhall_tui.hall import audit
from pyhall_tui.hall.policy import Policy, Rule, save_rules
from pyhall_tui.hall.server import serve_in_thread
from pyhall_tui.hall.store.postgres import PostgresStore, prepared
from tests.hall.postgres_stores import store_with_a_worker
from tests.live_hall import HASH
from tests.postgres_cluster import Cluster
from tests.waiting import until

pytestmark = pytest.mark.thorough
_ASK = {"namespace": "n", "capability": "llm.x", "worker_id": "w"}
_APPENDS = "SELECT pid FROM pg_stat_activity WHERE query LIKE '%append_decisions%' AND pid <> pg_backend_pid()"


@pytest.fixture
def address(postgres: Cluster) -> str:
    return postgres.database()


@pytest.fixture
def store(address: str) -> Iterator[PostgresStore]:
    """Nobody's store but the test's."""
    made = store_with_a_worker(address)
    yield made
    made.close()


@asynccontextmanager
async def served(address: str, key: str, *, listens: bool = True) -> AsyncIterator[httpx.AsyncClient]:
    """Serve a hall on the store, and return its client."""
    store = PostgresStore(address)
    if listens:
        store.listen()
    headers = {"Authorization": f"Bearer {key}"}
    with serve_in_thread(store, rate=0) as running:
        async with httpx.AsyncClient(base_url=running.url, headers=headers, trust_env=False, timeout=60) as http:
            if listens:
                await until(lambda: store.state().is_current)
            yield http
    store.close()


async def dispatched(http: httpx.AsyncClient) -> httpx.Response:
    return await http.post("/api/v1/dispatch", json=_ASK)


async def decided(http: httpx.AsyncClient) -> None:
    """Ask until there is a decision again."""
    async with asyncio.timeout(30):
        while True:
            if (await dispatched(http)).status_code == 200:
                return
            await asyncio.sleep(0.01)


async def test_while_an_append_waits_the_hall_answers_everything_else_and_the_ban_is_known(
    store: PostgresStore, address: str
) -> None:
    async with served(address, store.add_key("n")) as http:
        assert (await dispatched(http)).json()["outcome"] == "allow"
        with psycopg.connect(address) as other, other.transaction():
            other.execute("UPDATE pyhall.head SET seq = seq")
            waiting = [asyncio.create_task(dispatched(http)) for _ in range(5)]
            for _ in range(10):  # well within the time for which a lock is waited for
                assert (await http.get("/health")).status_code == 200
                assert (await http.get("/api/v1/verify/w")).json()["status"] == "active"
            assert not any(each.done() for each in waiting)
        for each in waiting:
            assert (await each).json()["outcome"] == "allow"
    assert audit.verify(store) == audit.Checked(6)


async def test_a_ban_while_an_append_waits_comes_before_what_was_judged_without_it(
    store: PostgresStore, address: str
) -> None:
    async with served(address, store.add_key("n")) as http:
        assert (await dispatched(http)).json()["outcome"] == "allow"
        with store.write():
            waiting = asyncio.create_task(dispatched(http))
            with psycopg.connect(address, autocommit=True) as other:
                blocked = f"{_APPENDS} AND wait_event_type = 'Lock'"
                await until(lambda: other.execute(blocked.encode()).fetchone())
            store.ban_hash(HASH, "leaks")
        assert (await waiting).json()["deny_code"] == "ATTEST_BANNED_HASH"
    assert audit.verify(store) == audit.Checked(2)


async def test_if_the_server_s_process_is_stopped_dispatch_is_refused_and_the_hall_goes_on(
    store: PostgresStore, address: str, postgres: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepared, "PATIENCE", 1.0)
    async with served(address, store.add_key("n")) as http:
        assert (await dispatched(http)).json()["outcome"] == "allow"
        process = int(postgres.sql(_APPENDS, address=address))
        os.kill(process, signal.SIGSTOP)
        try:
            waiting = asyncio.create_task(dispatched(http))
            answers = 0
            while not waiting.done():
                assert (await http.get("/health")).status_code == 200
                assert (await http.get("/api/v1/verify/w")).status_code in (200, 503)
                answers += 1
            assert (await waiting).status_code == 503 and answers > 1
        finally:
            os.kill(process, signal.SIGCONT)
        await decided(http)
    assert audit.verify(store).whole


async def test_a_connection_of_the_appender_that_is_ended_is_made_again(
    store: PostgresStore, address: str, postgres: Cluster
) -> None:
    async with served(address, store.add_key("n")) as http:
        for _ in range(3):
            await decided(http)
            ended = f"SELECT pg_terminate_backend(pid) FROM ({_APPENDS}) AS appends"
            assert postgres.sql(ended, address=address) == "t"
            assert (await dispatched(http)).status_code == 503
    assert audit.verify(store).whole


async def test_a_rate_holds_over_halls_that_append_beside(store: PostgresStore, address: str) -> None:
    save_rules(store, Policy(rule=(Rule(id="few", outcome="allow", capability="llm.*", rate="10/day"),)))
    key = store.add_key("n")
    async with AsyncExitStack() as stack:
        https = [await stack.enter_async_context(served(address, key)) for _ in range(2)]
        answers = await asyncio.gather(*(dispatched(http) for http in https for _ in range(20)))
    outcomes = [each.json()["outcome"] for each in answers]
    assert (outcomes.count("allow"), len(outcomes)) == (10, 40)
    assert audit.verify(store) == audit.Checked(40)


@pytest.mark.parametrize("listens", [True, False])
async def test_no_decision_told_by_two_halls_is_on_the_wrong_side_of_a_ban(
    listens: bool, store: PostgresStore, address: str
) -> None:
    key, told = store.add_key("n"), [0, 0]

    async def ask(number: int, http: httpx.AsyncClient) -> None:
        while True:
            answer = await dispatched(http)
            assert answer.status_code == 200, answer.text
            told[number] += 1

    turns: list[tuple[int, bool]] = []
    async with AsyncExitStack() as stack:
        https = [await stack.enter_async_context(served(address, key, listens=listens)) for _ in told]
        asking = [asyncio.create_task(ask(number, http)) for number, http in enumerate(https) for _ in range(3)]
        for turn in range(20):
            turns.append((await asyncio.to_thread(_turned, store, turn), turn % 2 == 0))
            before = list(told)
            await until(lambda then=before: all(now > past for now, past in zip(told, then, strict=True)))
        assert not any(each.done() for each in asking)
        for each in asking:
            each.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
    turns.append((store.log.head().seq, False))
    wrong = [
        row.seq
        for (since, banned), (upto, _) in pairwise(turns)
        for row in store.log.page(since, upto, 10**6)
        if (json.loads(row.receipt)["outcome"] == "deny") is not banned
    ]
    assert wrong == [] and audit.verify(store).whole


def _turned(store: PostgresStore, turn: int) -> int:
    """Ban the worker's hash, or lift that; return the log's head at that moment."""
    with store.write():
        store.unban_hash(HASH) if turn % 2 else store.ban_hash(HASH, "leaks")
        return store.log.head().seq
