"""Halls whose way to PostgreSQL leads through PgBouncer."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from pyhall_tui.hall import audit
from pyhall_tui.hall.context import Hall
from pyhall_tui.hall.gate import dispatch
from pyhall_tui.hall.models import Asked, Worker
from pyhall_tui.hall.policy import save_rules
from pyhall_tui.hall.server import serve_in_thread
from pyhall_tui.hall.store.postgres import PostgresStore
from tests.live_hall import HASH, POLICY
from tests.pgbouncer import answers, pgbouncer
from tests.postgres_cluster import Cluster
from tests.waiting import until

pytestmark = pytest.mark.thorough
ASKED = Asked(namespace="n", capability="llm.x", worker_id="w")


@contextmanager
def halls(address: str, count: int) -> Iterator[list[PostgresStore]]:
    opened = [PostgresStore(address, make=True) for _ in range(count)]
    opened[0].put_worker(
        Worker(worker_id="w", namespace="n", sha256=HASH, attested_at="2026", enrolled_at="1", capabilities=("llm.x",))
    )
    save_rules(opened[0], POLICY)
    for each in opened:
        each.listen()
    try:
        yield opened
    finally:
        for each in opened:
            each.close()


def is_banned(store: PostgresStore) -> bool:
    worker = store.worker("w")
    assert worker is not None
    return worker.banned


async def test_in_session_mode_changes_are_heard(postgres: Cluster) -> None:
    postgres.database()
    with pgbouncer(postgres, "session") as address:
        await until(lambda: answers(address))
        with halls(address, 2) as (one, other):
            await until(lambda: other.state().is_current)
            one.ban("w", "leaks")
            await until(lambda: is_banned(other))
            assert dispatch(Hall(other), ASKED, "c")["outcome"] == "deny"
            assert (one.note, other.note) == (None, None) and audit.verify(one) == audit.Checked(1)


async def test_in_transaction_mode_the_hall_looks_for_changes_and_says_so(
    postgres: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    postgres.database()
    caplog.set_level(logging.WARNING)
    with pgbouncer(postgres, "transaction") as address:
        await until(lambda: answers(address))
        with halls(address, 2) as (one, other):
            await until(lambda: other.note)
            assert other.note == (
                "The hall looks for other halls' changes at each request, because no notification arrives "
                "(as through a pooler in transaction mode): give it the server's own address for faster answers."
            )
            assert other.note in caplog.messages
            assert not other.state().is_current
            with serve_in_thread(other, public_reads=True) as running:
                async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
                    assert (await http.get(f"{running.url}/status")).json()["store_note"] == other.note
            for _ in range(20):
                one.ban("w", "leaks")
                assert is_banned(other) and dispatch(Hall(other), ASKED, "c")["outcome"] == "deny"
                one.unban("w")
                assert not is_banned(other) and dispatch(Hall(other), ASKED, "c")["outcome"] == "allow"
            assert audit.verify(one) == audit.Checked(40)


async def test_in_transaction_mode_halls_on_few_connections_do_not_mix_up_what_is_theirs(postgres: Cluster) -> None:
    """No setting of a session is there for sure, and no prepared statement."""
    postgres.database()
    with pgbouncer(postgres, "transaction") as address:
        await until(lambda: answers(address))
        with halls(address, 4) as opened:
            threads = [threading.Thread(target=_decide, args=(store, 60)) for store in opened]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert audit.verify(opened[0]) == audit.Checked(240)


def _decide(store: PostgresStore, times: int) -> None:
    hall = Hall(store)
    for _ in range(times):
        dispatch(hall, ASKED, "c")
