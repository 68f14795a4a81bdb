"""The decision log in PostgreSQL is in partitions: old rows are removed by dropping whole ones."""

from collections.abc import Iterator

import pytest

from pyhall_tui.hall import audit
from pyhall_tui.hall.errors import StoreError
from pyhall_tui.hall.retention import Retention, TakingOut, prune, take_out
from pyhall_tui.hall.store.postgres import PostgresStore, schema
from pyhall_tui.hall.store.postgres.partitions import Partitions
from pyhall_tui.hall.store.protocol import Batch
from tests.hall.store_contract.places import HASH, receipt
from tests.postgres_cluster import Cluster

pytestmark = pytest.mark.thorough
FULL = 10


@pytest.fixture
def address(postgres: Cluster) -> str:
    return postgres.database()


@pytest.fixture
def store(address: str) -> Iterator[PostgresStore]:
    made = PostgresStore(address, make=True, partition_rows=FULL)
    yield made
    made.close()


def decide(store: PostgresStore, count: int) -> None:
    for _ in range(count):
        store.log.decide(lambda: Batch([receipt(1)]))


def partitions(store: PostgresStore) -> list[tuple[int | None, int | None]]:
    return [(each.first, each.last) for each in Partitions(store._db).all()]


def filled(store: PostgresStore, rounds: int) -> None:
    """Fill some partitions, and half of the last one."""
    for _ in range(rounds):
        decide(store, FULL)
        store.checkpoint()
    decide(store, FULL // 2)


def test_a_partition_ends_once_it_is_full_and_a_decision_always_has_a_place(store: PostgresStore) -> None:
    decide(store, FULL - 1)
    store.checkpoint()
    assert partitions(store) == [(None, None)]
    decide(store, 5)
    store.checkpoint()
    store.checkpoint()
    assert partitions(store) == [(None, 14), (15, None)]
    store.log.decide(lambda: Batch([receipt(1)] * 3 * FULL))
    store.checkpoint()
    assert partitions(store) == [(None, 14), (15, 44), (45, None)]
    assert audit.verify(store) == audit.Checked(44)


def test_retention_drops_whole_partitions_and_the_chain_verifies(store: PostgresStore) -> None:
    filled(store, 3)
    assert prune(store, Retention(rows=12)) == 20
    assert partitions(store) == [(21, 30), (31, None)]
    assert store.log.anchor().seq == 20 and audit.verify(store).whole
    assert [row.seq for row in store.log.page(0, 99, 99)] == list(range(21, 37))
    removal = audit.last_removal(store)
    assert removal is not None and (removal.first, removal.last) == (1, 20)
    assert prune(store, Retention(rows=12)) == 0, "what is left is not a whole partition"
    assert store.log.head().seq == 36, "and nothing is announced"


def test_what_stays_is_named_and_goes_when_it_was_said(store: PostgresStore) -> None:
    decide(store, 4)
    done = take_out(store, Retention(rows=3))
    assert (done.gone, done.remainder) == (
        0,
        "row 1 stays for now: this store removes rows in large pieces, and the next one ends with row 10. "
        "It goes as soon as row 13 is written.",
    )
    decide(store, 6)
    store.checkpoint()
    decide(store, 2)
    done = take_out(store, Retention(rows=3))
    assert done.gone == 0 and "rows 1 to 9 stay" in str(done.remainder) and "row 13 is written" in str(done.remainder)
    decide(store, 1)
    done = take_out(store, Retention(rows=3))
    assert (done.gone, done.remainder) == (10, None)
    assert take_out(store, Retention(rows=100)).remainder is None, "nothing is beyond what is kept"


def test_what_stays_for_its_age_is_named_too(store: PostgresStore) -> None:
    decide(store, 4)
    work = TakingOut(store, Retention(rows=2, days=1.5))
    for _ in work.steps():
        pass
    assert work.gone == 0 and work.remainder is not None and work.remainder.startswith("rows 1 to 2 stay")
    assert "row 12 is written or row 10 is 1.5 days older than the newest one" in work.remainder


def test_a_partition_that_is_not_whole_is_not_dropped(store: PostgresStore, address: str, postgres: Cluster) -> None:
    filled(store, 2)
    for damage in (
        "UPDATE pyhall.decisions SET receipt = '{}' WHERE seq = 7",
        "DELETE FROM pyhall.decisions WHERE seq = 7",
    ):
        postgres.sql(damage, address=address)
        with pytest.raises(StoreError, match="row 7 is missing or was changed, so nothing is removed"):
            prune(store, Retention(rows=5))
        assert len(partitions(store)) == 3 and store.log.anchor().seq == 0
    postgres.sql("DELETE FROM pyhall.decisions WHERE seq BETWEEN 7 AND 10", address=address)
    with pytest.raises(StoreError, match="row 7 is missing"):
        prune(store, Retention(rows=5))


def test_who_reads_the_log_for_long_keeps_decisions_waiting_only_briefly(store: PostgresStore, address: str) -> None:
    reader = PostgresStore(address)
    decide(store, FULL)
    with reader.snapshot():
        reader.log.count()
        store.checkpoint()
        assert partitions(store) == [(None, None)]
        decide(store, 1)
    store.checkpoint()
    assert partitions(store) == [(None, 11), (12, None)]
    decide(store, 1)
    with reader.snapshot():
        reader.log.count()
        with pytest.raises(StoreError, match="another hall has locked it"):
            prune(store, Retention(rows=1))
        assert store.log.anchor().seq == 0
    assert prune(store, Retention(rows=1)) == 11
    assert audit.verify(store).whole
    reader.close()


def test_two_halls_end_and_drop_a_partition_once(store: PostgresStore, address: str) -> None:
    other = PostgresStore(address, partition_rows=FULL)
    filled(store, 1)
    other.checkpoint()
    assert store.log.take_out(10, 1) == 10
    assert other.log.take_out(10, 1) is None
    assert partitions(other) == [(11, None)]
    other.close()


def test_a_decision_goes_on_after_psycopg_has_dropped_all_prepared_statements(store: PostgresStore) -> None:
    decide(store, 1)
    store._db.change("DEALLOCATE ALL")
    decide(store, 1)
    assert audit.verify(store) == audit.Checked(2)


# Migration


@pytest.fixture
def old(address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgresStore]:
    """A hall of the first version, which goes on while others are newer."""
    with monkeypatch.context() as before:
        before.setattr(schema, "STEPS", schema.STEPS[:1])
        before.setattr(schema, "VERSION", 1)
        made = PostgresStore(address, make=True)
    yield made
    made.close()


def test_an_older_store_is_migrated_while_a_hall_of_the_older_version_goes_on(
    old: PostgresStore, address: str, postgres: Cluster
) -> None:
    old.ban_hash(HASH, "r")
    decide(old, FULL + 3)
    log = list(audit.export(old))
    assert postgres.sql("SELECT version FROM pyhall.schema_version", address=address) == "1"
    new = PostgresStore(address, partition_rows=FULL)
    assert postgres.sql("SELECT version FROM pyhall.schema_version", address=address) == str(schema.VERSION)
    assert list(audit.export(new)) == log and new.bans() == old.bans()
    decide(old, 2)
    decide(new, 2)
    new.checkpoint()
    decide(old, 1)
    assert partitions(new) == [(None, 17), (18, None)]
    assert audit.verify(new) == audit.verify(old) == audit.Checked(18)
    new.close()


def test_a_migration_that_fails_leaves_the_older_store(
    old: PostgresStore, address: str, postgres: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide(old, 3)
    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, lambda: "SELECT 1 / 0"))
    monkeypatch.setattr(schema, "VERSION", len(schema.STEPS))
    with pytest.raises(StoreError, match="division by zero"):
        PostgresStore(address)
    assert postgres.sql("SELECT version FROM pyhall.schema_version", address=address) == "1"
    decide(old, 1)
    assert audit.verify(old) == audit.Checked(4)
