"""A PostgreSQL server that crashes under load: what halls have told is in the log, and they go on when it is back."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import httpx
import pytest

from pyhall_tui.hall import audit
from pyhall_tui.hall.errors import StoreLost
from pyhall_tui.hall.models import Worker
from pyhall_tui.hall.policy import save_rules
from pyhall_tui.hall.server import serve_in_thread
from pyhall_tui.hall.store.postgres import PostgresStore
from tests.hall.test_stream import listening
from tests.live_hall import HASH, POLICY
from tests.postgres_cluster import Cluster
from tests.waiting import until

pytestmark = pytest.mark.thorough
_ASK = {"namespace": "n", "capability": "llm.x", "worker_id": "w"}
_HALLS = 2
_IN_FLIGHT = 4  # for each hall


class Load:
    """Dispatches to halls without a pause, and what they have told."""

    def __init__(self) -> None:
        self.told: set[str] = set()
        self.since: list[int] = []
        """Decisions by each hall since the server was started again."""

    async def ask(self, number: int, http: httpx.AsyncClient) -> None:
        """Ask one hall; 503 is its answer while the server is lost."""
        while True:
            answer = await http.post("/api/v1/dispatch", json=_ASK)
            assert answer.status_code in (200, 503), answer.text
            if answer.status_code == 200:
                self.told.add(answer.json()["decision_id"])
                self.since[number] += 1
            else:
                await asyncio.sleep(0.01)

    @property
    def goes_on(self) -> bool:
        """Whether every hall has decided something since."""
        return all(self.since)


@asynccontextmanager
async def under_load(address: str) -> AsyncIterator[tuple[Load, list[asyncio.Task[None]]]]:
    """Run halls that listen, and clients of each."""
    load = Load()
    with ExitStack() as stack:
        stores = [PostgresStore(address, make=True) for _ in range(_HALLS)]
        worker = Worker(worker_id="w", namespace="n", sha256=HASH, attested_at="2026", capabilities=("llm.x",))
        stores[0].put_worker(worker)
        save_rules(stores[0], POLICY)
        headers = {"Authorization": f"Bearer {stores[0].add_key('n')}"}
        tasks = []
        for number, store in enumerate(stores):
            stack.callback(store.close)
            store.listen()
            load.since.append(0)
            running = stack.enter_context(serve_in_thread(store, rate=0))
            for _ in range(_IN_FLIGHT):
                http = httpx.AsyncClient(base_url=running.url, headers=headers, trust_env=False, timeout=30)
                tasks.append(asyncio.create_task(load.ask(number, http)))
        try:
            yield load, tasks
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def crash(postgres: Cluster, address: str, times: int) -> list[float]:
    """Let the server crash under load, check the log, and return after how many seconds all halls went on each time."""
    took = []
    async with under_load(address) as (load, tasks):
        for _ in range(times):
            load.since = [0] * _HALLS
            await until(lambda: load.goes_on)
            await asyncio.to_thread(postgres.stop, "immediate")
            load.since = [0] * _HALLS
            await asyncio.to_thread(postgres.start)
            back = time.monotonic()
            await until(lambda: load.goes_on)
            took.append(time.monotonic() - back)
        assert not any(task.done() for task in tasks), "each answer was a decision, or 503"
    store = PostgresStore(address)
    logged = {json.loads(row.receipt)["decision_id"] for row in store.log.page(0, 10**9, 10**9)}
    assert load.told <= logged and load.told
    assert audit.verify(store).whole
    store.close()
    return took


async def test_no_decision_that_was_told_is_missing_after_crashes_and_the_halls_go_on(postgres: Cluster) -> None:
    await crash(postgres, postgres.database(), times=2)


async def test_a_hall_is_up_but_not_ready_while_the_server_is_away(postgres: Cluster) -> None:
    store = PostgresStore(postgres.database(), make=True)
    store.listen()
    with serve_in_thread(store, rate=0) as running:

        def status(query: str = "") -> int:
            return httpx.get(f"{running.url}/health{query}", trust_env=False).status_code

        assert status("?ready") == 200
        postgres.stop("immediate")
        await until(lambda: status("?ready") == 503)
        assert status() == 200
        postgres.start()
        await until(lambda: status("?ready") == 200)
    store.close()


async def test_a_stream_ends_with_the_server_and_after_its_return_nothing_was_missed(postgres: Cluster) -> None:
    address = postgres.database()
    here = PostgresStore(address, make=True)
    key = here.add_key("n")
    with serve_in_thread(here, rate=0) as running:
        here.listen(running.hall.streams.changed)
        with listening(running.url, key) as stream:
            assert stream.next().name == "connected"
            here.ban_hash(HASH, "before")
            last = stream.until("ban")
            postgres.stop("immediate")
            try:
                assert "ban" not in [event.name for event in stream.rest()], "it has ended"
                with pytest.raises(AssertionError, match="registry error"), listening(running.url, key):
                    pass
            finally:
                postgres.start()
        there = PostgresStore(address)
        there.ban_hash("cd" * 32, "meanwhile")
        await until(lambda: _answers(here) and _streams(running.url, key))
        with listening(running.url, key, after=last.id) as stream:
            assert stream.until("ban").data["reason"] == "meanwhile"
            there.ban_hash("ef" * 32, "after")
            assert stream.until("ban").data["reason"] == "after"
        there.close()
    here.close()


def _streams(url: str, key: str) -> bool:
    try:
        with listening(url, key):
            return True
    except AssertionError:
        return False


def _answers(store: PostgresStore) -> bool:
    try:
        store.revision()
    except StoreLost:
        return False
    return True
