"""A hall learns of the changes of other halls by LISTEN, and by looking while that does not work."""

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing

import psycopg
import pytest

from pyhall_tui.hall.policy import Policy, save_rules
from pyhall_tui.hall.store.postgres import PostgresStore, schema
from tests.hall.postgres_stores import store_with_a_worker
from tests.live_hall import HASH
from tests.postgres_cluster import Cluster
from tests.waiting import until

pytestmark = pytest.mark.thorough


@pytest.fixture
def address(postgres: Cluster) -> str:
    return postgres.database()


@pytest.fixture
def store(address: str) -> Iterator[PostgresStore]:
    """The hall that changes things."""
    made = store_with_a_worker(address)
    yield made
    made.close()


@pytest.fixture
async def other(address: str, store: PostgresStore) -> AsyncIterator[PostgresStore]:
    """A hall that listens."""
    made = PostgresStore(address)
    made.listen()
    await until(lambda: made.state().is_current)
    yield made
    made.close()


def is_banned(store: PostgresStore) -> bool:
    worker = store.worker("w")
    assert worker is not None
    return worker.banned


async def test_a_hall_that_listens_does_not_ask_before_it_answers(other: PostgresStore) -> None:
    """Another thread keeps its connection meanwhile: an answer that needs it would never come."""
    assert not is_banned(other)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with other.snapshot():
            held.set()
            done.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(30)
    try:
        assert all(not is_banned(other) for _ in range(1000))
    finally:
        done.set()
        holder.join()


@pytest.mark.parametrize("change", ["ban", "unban", "status", "key", "policy"])
async def test_a_change_by_another_hall_is_heard(change: str, store: PostgresStore, other: PostgresStore) -> None:
    if change == "unban":
        store.ban("w", "leaks")
        await until(lambda: is_banned(other))
    token = store.add_key("n")
    await until(lambda: other.find_key(token) is not None)
    key = store.find_key(token)
    policy = other.state().policy_revision()
    assert key is not None

    def status() -> str | None:
        found = other.worker("w")
        return found.status if found else None

    changes: dict[str, tuple[Callable[[], object], Callable[[], bool]]] = {
        "ban": (lambda: store.ban_hash(HASH, "leaks"), lambda: is_banned(other)),
        "unban": (lambda: store.unban("w"), lambda: not is_banned(other)),
        "status": (lambda: store.set_status("w", "retired"), lambda: status() == "retired"),
        "key": (lambda: store.revoke_key(key.key_id), lambda: other.find_key(token) is None),
        "policy": (lambda: save_rules(store, Policy()), lambda: other.state().policy_revision() != policy),
    }
    make, is_known = changes[change]
    make()
    await until(is_known)


async def test_who_is_told_of_changes_may_fail_without_harm(store: PostgresStore, address: str) -> None:
    told = 0

    def fail() -> None:
        nonlocal told
        told += 1
        raise RuntimeError("the event loop is closed")

    with closing(PostgresStore(address)) as hall:
        hall.listen(fail)
        await until(lambda: told and hall.state().is_current)
        before = told
        store.ban("w", "leaks")
        await until(lambda: told > before and is_banned(hall) and hall.state().is_current)


async def test_a_hall_sees_its_own_changes_at_once(other: PostgresStore) -> None:
    for _ in range(50):
        other.ban("w", "leaks")
        assert is_banned(other)
        other.unban("w")
        assert not is_banned(other)


async def test_what_is_rolled_back_was_never_so(other: PostgresStore) -> None:
    with pytest.raises(ZeroDivisionError), other.write():
        other.ban("w", "leaks")
        assert is_banned(other)
        raise ZeroDivisionError
    assert not is_banned(other)


async def test_a_change_without_a_notification_is_found_all_the_same(
    store: PostgresStore, other: PostgresStore, postgres: Cluster, address: str
) -> None:
    """As an older version's triggers make it."""
    assert not is_banned(other)
    postgres.sql(
        "ALTER TABLE pyhall.bans DISABLE TRIGGER USER",
        f"INSERT INTO pyhall.bans (sha256, reason, reported_at, source) VALUES ('{HASH}', 'leaks', '1', 'x')",
        f"INSERT INTO pyhall.changes SELECT revision + 1, 'ban', '{HASH}' FROM pyhall.head",
        "UPDATE pyhall.head SET revision = revision + 1",
        address=address,
    )
    await until(lambda: is_banned(other))


async def test_a_listener_that_is_ended_comes_back_and_nothing_is_missed(
    store: PostgresStore, other: PostgresStore, postgres: Cluster, address: str
) -> None:
    for _ in range(5):
        assert not is_banned(other)
        ended = postgres.sql(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE '%n, pg_backend_pid%' "
            "AND pid <> pg_backend_pid()",
            address=address,
        )
        assert int(ended) >= 1, "the one before may still be ending"
        store.ban("w", "leaks")
        await until(lambda: is_banned(other))
        store.unban("w")
        await until(lambda: not is_banned(other) and other.state().is_current)


async def test_a_server_that_does_not_answer_the_listener_is_not_trusted(
    store: PostgresStore, other: PostgresStore, postgres: Cluster, address: str
) -> None:
    """Its beat waits for a lock: from now on, the hall looks by itself."""
    state = other.state()
    with psycopg.connect(address) as db:
        db.execute("LOCK TABLE pyhall.head IN ACCESS EXCLUSIVE MODE")
        await until(lambda: not state.is_current)


async def test_halls_that_close_leave_no_connection(store: PostgresStore, address: str, postgres: Cluster) -> None:
    count = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'hall' AND pid <> pg_backend_pid()"
    await until(lambda: postgres.sql(count, address=address) == "1")
    for _ in range(5):
        with_listener = PostgresStore(address)
        with_listener.listen()
        with_listener.listen()
        with_listener.close()
    await until(lambda: postgres.sql(count, address=address) == "1")


def test_a_store_of_the_first_version_is_brought_up_to_date(postgres: Cluster) -> None:
    address = postgres.database("older")
    postgres.sql("CREATE SCHEMA pyhall", address=address)
    first = schema.STEPS[0]()
    postgres.sql("SET search_path = pyhall", *[first], "UPDATE schema_version SET version = 1", address=address)
    store = PostgresStore(address)
    assert postgres.sql("SELECT version FROM pyhall.schema_version", address=address) == str(schema.VERSION)
    source = "SELECT prosrc LIKE '%pg_notify%' FROM pg_proc WHERE proname = 'bans_insert_noted'"
    assert postgres.sql(source, address=address) == "t"
    store.close()
