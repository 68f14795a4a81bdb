"""What every hall store does as a whole: transactions, the policy, copies, and its end."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from pyhall_tui.hall import audit
from pyhall_tui.hall.models import Worker
from pyhall_tui.hall.store import SqliteStore, Store
from pyhall_tui.hall.store.chain import GENESIS
from tests.hall.store_contract.places import HASH, fill, worker


def test_a_write_is_all_or_nothing_and_is_seen_within(store: Store) -> None:
    token = store.add_key("n")
    assert not worker(store).banned
    with pytest.raises(KeyError), store.write():
        store.ban("w", "r")
        store.revoke_key(store.all_keys()[0].key_id)
        fill(store, 3)
        with store.write():
            store.set_setting("a", "1")
        assert worker(store).banned and store.find_key(token) is None and store.log.head().seq == 3
        raise KeyError
    assert not worker(store).banned and store.find_key(token) is not None
    assert store.log.head() == (0, GENESIS) and store.setting("a") is None
    fill(store, 1)
    assert audit.verify(store) == audit.Checked(1)


def test_a_snapshot_is_of_one_instant(two: tuple[Store, Store]) -> None:
    here, there = two
    with here.snapshot():
        before = here.ban_count()
        there.ban_hash(HASH, "r")
        fill(there, 2)
        assert (here.ban_count(), here.log.head().seq) == (before, 0)
    assert (here.ban_count(), here.log.head().seq) == (1, 2)


def test_a_closed_store_refuses_to_write(store: Store) -> None:
    store.close()
    with pytest.raises(Exception, match="closed"):
        fill(store, 1)


def test_the_store_beside_reads_what_this_one_wrote(store: Store) -> None:
    store.ban_hash(HASH, "r")
    assert store.beside().ban_count() == 1
    assert store.beside() is store.beside()
    store.checkpoint()


def test_the_policy_comes_back_in_order_and_its_revision_changes(store: Store) -> None:
    assert store.rules() == ([], "{}")
    revisions = {store.state().policy_revision()}
    for rules in (["b", "a", "c"], ["z"], []):
        store.put_rules(rules, "defaults")
        assert store.rules() == (rules, "defaults")
        revisions.add(store.state().policy_revision())
    assert len(revisions) == 4


def test_a_copy_has_everything_but_what_is_the_store_s_own(store: Store, tmp_path: Path) -> None:
    assert not store.is_empty()
    store.add_key("n")
    store.add_key("n", scopes=("hall:enroll",))
    store.note_key_uses({store.all_keys()[0].key_id: 1e9})
    store.ban("w", "r")
    store.put_rules(["x"], "{}")
    store.log.note_ingested("n", "d", 1)
    copy = SqliteStore(tmp_path / "copy.db")
    assert copy.is_empty()
    with store.snapshot(), copy.write():
        for table, row in store.rows_beside_the_log():
            copy.put_row(table, row)
        with pytest.raises(ValueError, match="columns of bans"):
            copy.put_row("bans", {"sha256": "x"})
        with pytest.raises((ValueError, KeyError)):
            copy.put_row("sqlite_master", {})
    assert copy.workers() == store.workers() and copy.bans() == store.bans() and copy.all_keys() == store.all_keys()
    assert copy.rules() == store.rules() and copy.ban_tag() != store.ban_tag()
    assert copy.key_uses() == {}, "they were uses of the other store"
    copy.close()


# Beside an event loop


async def test_what_is_changed_beside_is_known_at_once_or_not_changed_at_all(two: tuple[Store, Store]) -> None:
    here, there = two
    assert not worker(here).banned and not worker(there).banned
    assert await here.change_beside(lambda store: store.ban("w", "leaks"))
    assert worker(here).banned and worker(there).banned

    def half(store: Store) -> None:
        with store.write():
            store.unban("w")
            raise KeyError

    with pytest.raises(KeyError):
        await here.change_beside(half)
    assert worker(here).banned and worker(there).banned


async def test_changes_beside_from_two_halls_do_not_disturb_each_other(two: tuple[Store, Store]) -> None:
    made = [Worker(worker_id=f"x-{number}", namespace="n") for number in range(20)]
    await asyncio.gather(*(two[number % 2].change_beside(_putting(each)) for number, each in enumerate(made)))
    for store in two:
        assert {each.worker_id for each in store.workers()} == {"w", "v", *(each.worker_id for each in made)}


def _putting(worker: Worker) -> Callable[[Store], Worker]:
    return lambda store: store.put_worker(worker)


def test_a_served_store_does_all_it_did_before(store: Store) -> None:
    store.serve()
    with store.not_waiting():
        store.ban("w", "leaks")
        fill(store, 3)
    assert worker(store).banned and audit.verify(store).whole
