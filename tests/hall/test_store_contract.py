"""What every hall store does, whatever its implementation. A new store is one more entry in `STORES`."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pyhall_tui.hall import audit
from pyhall_tui.hall.models import Ban, Key, Worker
from pyhall_tui.hall.store import SqliteStore, Store, hash_key
from pyhall_tui.hall.store.chain import GENESIS, entry_hash
from pyhall_tui.hall.store.postgres import PostgresStore
from pyhall_tui.hall.store.protocol import Batch, KeptRate
from pyhall_tui.hall.store.schema import CHANGES_KEPT

HASH, OTHER_HASH = "ab" * 32, "cd" * 32
Open = Callable[[], Store]


@dataclass
class Place:
    """A place for a store, and the halls that have it open."""

    open: Open
    is_shared: bool
    halls: list[Store] = field(default_factory=list)

    def hall(self) -> Store:
        """Open the store as one more hall does."""
        self.halls.append(self.open())
        return self.halls[-1]


def in_memory(_: pytest.FixtureRequest) -> Place:
    return Place(SqliteStore, is_shared=False)


def in_a_file(request: pytest.FixtureRequest) -> Place:
    file = request.getfixturevalue("tmp_path") / "hall.db"
    return Place(lambda: SqliteStore(file), is_shared=True)


def in_postgres(request: pytest.FixtureRequest) -> Place:
    address = request.getfixturevalue("postgres").database()
    return Place(lambda: PostgresStore(address, make=True, partition_rows=4), is_shared=True)


SHARED = [
    pytest.param(in_a_file, id="sqlite in a file"),
    pytest.param(in_postgres, id="postgresql", marks=pytest.mark.thorough),
]
STORES = [pytest.param(in_memory, id="sqlite in memory"), *SHARED]


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    place = request.param(request)
    yield enrolled(place.hall())
    place.halls[0].close()


@pytest.fixture(params=SHARED)
def two(request: pytest.FixtureRequest) -> Iterator[tuple[Store, Store]]:
    """Two halls on one store."""
    place = request.param(request)
    yield enrolled(place.hall()), place.hall()
    for hall in place.halls:
        hall.close()


def enrolled(store: Store) -> Store:
    for worker_id in ("w", "v"):
        sha256 = {"w": HASH, "v": OTHER_HASH}[worker_id]
        store.put_worker(Worker(worker_id=worker_id, namespace="n", sha256=sha256, attested_at="2026", enrolled_at="1"))
    return store


def worker(store: Store, worker_id: str = "w") -> Worker:
    found = store.worker(worker_id)
    assert found is not None
    return found


def receipt(number: int, **more: object) -> str:
    told = {"namespace": "n", "rule": "r", "outcome": "allow", "decided_at": f"2026-01-0{number % 9 + 1}", "n": number}
    return audit.encode(told | more)


def fill(store: Store, count: int) -> None:
    store.log.decide(lambda: Batch([receipt(number) for number in range(1, count + 1)]))


# Keys


def test_a_key_is_good_until_it_is_revoked(store: Store) -> None:
    token = store.add_key("n", "label")
    found = store.find_key(token)
    assert found is not None and (found.namespace, found.label, found.key_hash) == ("n", "label", hash_key(token))
    assert store.find_key("phk_live_none") is None and store.find_key("") is None
    assert store.revoke_key(found.key_id) and not store.revoke_key(found.key_id)
    assert store.find_key(token) is None
    assert [key.revoked_at is None for key in store.all_keys()] == [False]


def test_a_key_that_is_put_in_another_s_place_ends_that(store: Store) -> None:
    for token in ("old", "new"):
        store.put_key(Key(key_id="k", key_hash=hash_key(token), namespace="n"))
        assert store.find_key(token) is not None
    assert store.find_key("old") is None


def test_a_key_has_the_scopes_that_it_was_added_with(store: Store) -> None:
    scoped, whole = store.add_key("n", scopes=("runtime:delivery", "hall:enroll")), store.add_key("n")
    found = store.find_key(scoped)
    assert found is not None and found.scopes == ("runtime:delivery", "hall:enroll")
    assert {key.key_id: key.scopes for key in store.all_keys()}[found.key_id] == found.scopes
    other = store.find_key(whole)
    assert other is not None and other.scopes == ()
    assert store.revoke_key(found.key_id) and not store.revoke_key(found.key_id)
    assert store.find_key(scoped) is None and store.find_key(whole) is not None


@pytest.mark.parametrize("scopes", [((), ("a:b",)), (("a:b",), ()), (("a:b",), ("c:d",))])
def test_a_key_that_is_put_again_has_only_its_new_scopes(store: Store, scopes: tuple[tuple[str, ...], ...]) -> None:
    for each in scopes:
        store.put_key(Key(key_id="k", key_hash=hash_key("t"), namespace="n", scopes=each))
        found = store.find_key("t")
        assert found is not None and found.scopes == each
    assert [key.scopes for key in store.all_keys()] == [scopes[-1]]


def test_scopes_that_name_nothing_are_not_stored_as_a_key_for_everything(store: Store) -> None:
    row = {"key_id": "k", "key_hash": hash_key("t"), "namespace": "n", "label": "", "created_at": "1"}
    for scopes in ("", " ", "\u2003"):
        with pytest.raises(ValueError), store.write():
            store.put_row("scoped_keys", row | {"revoked_at": None, "scopes": scopes})
    assert store.find_key("t") is None and store.all_keys() == []


def test_a_row_of_a_copy_takes_the_place_of_the_same_key_in_the_other_table(store: Store) -> None:
    row = {"key_id": "k", "key_hash": hash_key("t"), "namespace": "n", "label": "", "created_at": "1"}
    with store.write():
        store.put_row("keys", row | {"revoked_at": None})
        store.put_row("scoped_keys", row | {"key_id": "k2", "revoked_at": None, "scopes": "a:b"})
    assert [(key.key_id, key.scopes) for key in store.all_keys()] == [("k2", ("a:b",))]


def test_the_last_use_of_a_key_is_noted_without_a_change(two: tuple[Store, Store]) -> None:
    """Otherwise each use would empty caches and wake streams."""
    here, there = two
    token = here.add_key("n", scopes=("a:b",))
    before, known = there.revision(), there.find_key(token)
    assert known is not None and here.key_uses() == {}
    here.note_key_uses({known.key_id: 1e9, "other": 1e9})
    there.note_key_uses({"other": 1e9, known.key_id: 1e9 + 1.5})
    assert here.key_uses()[known.key_id] == "2001-09-09T01:46:41.500Z"
    assert here.revision() == there.revision() == before
    assert there.find_key(known.key_id) is None and there.find_key(token) is known, "it is still cached"
    here.revoke_key(known.key_id)
    assert there.find_key(token) is None


# Workers and bans


def test_a_worker_is_found_as_it_was_put(store: Store) -> None:
    made = Worker(worker_id="ü\0", namespace="m", display_name="'\"", capabilities=("a", "b"), ai_generated=True)
    store.put_worker(made)
    assert store.worker("ü\0") == made and made.enrolled_at
    assert store.worker("none") is None
    assert not store.attest("none", HASH) and not store.withdraw("none") and not store.set_status("none", "retired")
    assert not store.ban("none", "r") and not store.unban("w")


def test_only_an_active_worker_is_attested_again(store: Store) -> None:
    assert store.attest("w", OTHER_HASH, ai_service="s") and worker(store).ai_service == "s"
    assert store.set_status("w", "retired")
    assert not store.attest("w", HASH) and store.attest("w", HASH, active_only=False)
    assert store.withdraw("w") and not worker(store).attested


def test_a_ban_is_on_the_worker_and_on_its_hash(store: Store) -> None:
    store.put_worker(Worker(worker_id="twin", namespace="n", sha256=HASH, attested_at="2026"))
    assert store.ban("w", "leaks")
    assert (worker(store).ban_reason, worker(store, "twin").hash_ban_reason) == ("leaks", "leaks")
    store.attest("w", OTHER_HASH)
    assert worker(store).banned and not worker(store, "v").banned
    assert store.unban("w") and not worker(store).banned
    assert worker(store, "twin").banned, "the hash that was banned stays so: the worker has another by now"
    assert store.unban_hash(HASH) and not store.unban_hash(HASH)
    assert not worker(store, "twin").banned


def test_the_ban_list_is_newest_first_and_an_entry_keeps_its_place(store: Store) -> None:
    for number, at in enumerate(("1", "3", "2", "3")):
        store.put_ban(Ban(sha256=f"{number:064x}", reason="r", reported_at=at))
    tag = store.ban_tag()
    store.put_ban(Ban(sha256=f"{2:064x}", reason="again", reported_at="9"))
    assert store.ban_tag() != tag
    assert [int(ban.sha256) for ban in store.bans()] == [3, 1, 2, 0] and store.bans()[2].reason == "again"
    assert store.bans(2) == store.bans()[:2] and store.ban_count() == 4
    assert store.is_hash_banned(f"{1:064x}") and not store.is_hash_banned(HASH)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_pages_are_the_whole_list(store: Store, size: int) -> None:
    for number in range(7):
        store.put_worker(Worker(worker_id=f"p{number}", namespace="np"[number % 2], enrolled_at=str(number // 3)))
        store.put_ban(Ban(sha256=f"{number:064x}", reason="r", reported_at=str(number // 3)))
    found, last = [], None
    while page := store.workers_after(last, size, "n"):
        assert len(page) <= size
        found, last = found + page, page[-1]
    assert found == store.workers("n")
    bans, page_of_bans, after = [], *store.bans_after(None, size)
    while page_of_bans:
        bans += page_of_bans
        page_of_bans, after = store.bans_after(after, size) if after else ([], None)
    assert bans == store.bans()


def test_counts_and_possible_problems(store: Store) -> None:
    store.put_worker(Worker(worker_id="bare", namespace="m"))
    store.ban_hash(HASH, "r")
    assert store.worker_counts() == (3, 1) and store.worker_counts("m") == (1, 0)
    assert [each.worker_id for each in store.perhaps_amiss(None, 9)] == ["w", "bare"]
    assert [each.worker_id for each in store.perhaps_amiss("m", 9)] == ["bare"]
    assert len(store.perhaps_amiss(None, 1)) == 1


def test_an_upstream_s_bans_go_and_the_hall_s_own_stay(store: Store) -> None:
    store.ban_hash(HASH, "own")
    above = [Ban(sha256=f"{number:064x}", reason="r", reported_at="1", source="up") for number in range(1200)]
    above += [Ban(sha256=HASH, reason="theirs", reported_at="1"), above[0]]
    missing = store.missing_bans(above)
    assert len(missing) == 1200
    store.add_upstream_bans(missing)
    assert store.missing_bans(above) == [] and len(store.upstream_bans()) == 1200
    store.drop_upstream_bans([HASH, *store.upstream_bans()])
    assert [ban.reason for ban in store.bans()] == ["own"]


def test_a_report_bans_nothing(store: Store) -> None:
    assert store.report(HASH, "r", None, "n") != store.report(HASH, "r", "https://x", "n")
    assert store.bans() == []


# Transactions


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


# The policy, settings, and a copy


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


# The log


def test_the_log_is_a_chain_from_its_genesis(store: Store) -> None:
    assert store.log.head() == store.log.anchor() == (0, GENESIS)
    for number in range(3):
        assert store.log.decide(lambda number=number: Batch([receipt(2 * number), receipt(2 * number + 1)])) == (
            2 * number + 2
        )
    before = GENESIS
    with store.snapshot():
        for row in store.log.rows():
            assert row.entry_hash == entry_hash(before, row.receipt)
            before = row.entry_hash
    assert store.log.head() == (6, before) and store.log.hash_of(6) == before and store.log.hash_of(7) is None
    assert store.log.decide(lambda: Batch(())) == 6


def test_what_cannot_be_judged_leaves_the_log_as_it_is(store: Store) -> None:
    def fails() -> Batch:
        raise ZeroDivisionError

    fill(store, 2)
    with pytest.raises(ZeroDivisionError):
        store.log.decide(fails)
    fill(store, 1)
    assert store.log.count() == 3 and audit.verify(store).whole


def test_the_log_is_read_in_pages_and_newest_first(store: Store) -> None:
    fill(store, 10)
    assert [row.seq for row in store.log.page(2, 9, 3)] == [3, 4, 5]
    assert [row.seq for row in store.log.page(7, 9, 99)] == [8, 9]
    assert [seq for seq, _ in store.log.newest(3, None, 0)] == [10, 9, 8]
    assert [seq for seq, _ in store.log.newest(9, "n", 8)] == [10, 9]
    assert store.log.newest(9, "other", 0) == []


def test_the_log_is_counted(store: Store) -> None:
    fill(store, 4)
    store.log.decide(lambda: Batch([receipt(1, outcome="deny", rule="s", namespace="m")]))
    assert store.log.count() == 5
    assert store.log.counts("2026", None) == {"allow": 4, "deny": 1} and store.log.counts("2026", "m") == {"deny": 1}
    assert store.log.counts("2026-01-05", None) == {"allow": 1}
    assert store.log.rule_hits() == {"r": 4, "s": 1}
    assert ("m", "s", "deny", "2026-01-02", 1) in store.log.tally(4, 5)
    assert sum(each.decisions for each in store.log.tally(1, 4)) == 3
    assert store.log.first_since(0, 9, "2026-01-04") == 3 and store.log.first_since(3, 3, "2026") is None
    assert store.log.newest_time("2026-01-03") == "2026-01-02" and store.log.newest_time("2026") is None
    assert store.log.oldest_time("2026-01-03") == "2026-01-03"


def test_what_is_taken_out_leaves_an_anchor_and_its_record(store: Store) -> None:
    fill(store, 4)
    store.checkpoint()
    fill(store, 2)
    assert store.log.removable(4) == 4
    audit.append_removal(
        store, audit.Removal(at="t", first=1, last=4, last_hash=audit.hash_of(store, 4), reason="only 2 are kept")
    )
    assert list(store.log.removals()) == [7] and store.log.last_removal() is not None
    gone = [store.log.take_out(4, 3) for _ in range(4)]
    assert gone[-1] is None and sum(each or 0 for each in gone) == 4
    assert store.log.anchor().seq == 4 and [row.seq for row in store.log.page(0, 9, 9)] == [5, 6, 7]
    assert audit.verify(store).whole
    assert store.log.count() == 2 and sum(each.decisions for each in store.log.tally(0, 9)) == 2


def test_a_decision_from_elsewhere_is_noted_once(store: Store) -> None:
    assert store.log.note_ingested("n", "d", 1) and not store.log.note_ingested("n", "d", 2)
    assert store.log.note_ingested("m", "d", 2)


# What decisions are based on


def test_the_newest_checkpoint_is_read_by_itself(store: Store) -> None:
    assert store.log.last_checkpoint() is None
    for seq, note in ((9, "about 9"), (10, "about 10"), (2, "about 2")):
        store.log.put_checkpoint(seq, note)
    assert store.log.last_checkpoint() == "about 10"
    store.log.put_checkpoint(10, "again")
    assert store.log.last_checkpoint() == store.log.checkpoints()[-1] == "again"


def test_what_another_hall_changes_is_known_with_the_next_look(two: tuple[Store, Store]) -> None:
    here, there = two
    token, revision = here.add_key("n"), here.state().policy_revision()
    assert here.state().key(token) is not None and here.state().rate("r", "w") is None
    there.ban_hash(HASH, "leaks")
    assert worker(here).banned and not worker(here, "v").banned
    there.unban_hash(HASH)
    assert not worker(here).banned
    there.set_status("w", "retired")
    assert worker(here).status == "retired"
    there.put_rules(["x"], "{}")
    assert here.state().policy_revision() != revision
    there.revoke_key(there.all_keys()[0].key_id)
    assert here.state().key(token) is None
    kept = KeptRate("r", "w", 1.0, 2.0, b"\0" * 16)
    there.log.decide(lambda: Batch((), [kept]))
    found = here.state().rate("r", "w")
    assert found is not None and (found.rule, found.worker_id, found.allowed) == ("r", "w", kept.allowed)


def test_what_it_does_not_change_is_not_read_again(two: tuple[Store, Store]) -> None:
    here, there = two
    token = here.add_key("n")
    known = [worker(here, "w"), worker(here, "v"), here.state().key(token)]
    fill(there, 5)
    there.set_setting("x", "y")
    there.ban_hash("0" * 64, "of nobody here")
    there.report(HASH, "r", None, "n")
    here.set_setting("x", "z")
    here.state()
    assert all(one is other for one, other in zip(known, [worker(here), worker(here, "v"), known[2]], strict=True))
    assert here.state().key(token) is known[2]
    there.ban_hash(HASH, "r")
    assert worker(here).banned and worker(here, "v") is known[1]


def test_who_lags_far_behind_reads_everything_again(two: tuple[Store, Store]) -> None:
    here, there = two
    assert not worker(here).banned
    there.ban_hash(HASH, "first")
    there.add_upstream_bans(
        [Ban(sha256=f"{number:064x}", reason="r", reported_at="1") for number in range(CHANGES_KEPT + 10)]
    )
    assert worker(here).banned and here.ban_count() == CHANGES_KEPT + 11


def test_a_decision_knows_what_another_hall_did_since_the_last_look(two: tuple[Store, Store]) -> None:
    here, there = two
    state = here.state()
    assert state.worker("w") is not None
    there.ban("w", "leaks")
    fill(there, 4)
    seen: list[bool] = []

    def judge() -> Batch:
        found = state.worker("w")
        seen[:] = [found is not None and found.banned]
        return Batch([receipt(1)])

    assert here.log.decide(judge) == 5
    assert seen == [True]
    fill(there, 1)
    assert audit.verify(here) == audit.Checked(6)


@pytest.mark.thorough
def test_no_decision_is_logged_after_a_ban_that_it_does_not_know(two: tuple[Store, Store]) -> None:
    """Two halls decide while a third hand bans and unbans: one order for all of it."""
    here, there = two
    done = threading.Event()

    def decide(store: Store) -> None:
        state = store.state()
        while not done.is_set():

            def judge() -> Batch:
                found = state.worker("w")
                return Batch([receipt(1, banned=found is not None and found.banned)])

            store.log.decide(judge)

    deciding = [threading.Thread(target=decide, args=(each,)) for each in two]
    for thread in deciding:
        thread.start()
    spans: list[tuple[int, int, bool]] = []
    try:
        for number in range(20):
            banned = number % 2 == 0
            with there.write():
                there.ban_hash(HASH, "r") if banned else there.unban_hash(HASH)
                since = there.log.head().seq
            for _ in range(200):
                if there.log.head().seq > since + 2:
                    break
                done.wait(0.01)
            with there.write():  # nobody decides meanwhile
                spans.append((since, there.log.head().seq, banned))
                there.set_setting("turn", str(number))
    finally:
        done.set()
        for thread in deciding:
            thread.join()
    wrong = [
        row.seq
        for since, upto, banned in spans
        for row in here.log.page(since, upto, 10**6)
        if (f'"banned":{str(banned).lower()}' not in row.receipt)
    ]
    assert wrong == [] and sum(upto - since for since, upto, _ in spans) > 20
    assert audit.verify(here).whole


def test_a_rate_is_the_same_object_until_it_changes(two: tuple[Store, Store]) -> None:
    here, there = two
    kept = KeptRate("r", "w", 1.0, 2.0, b"\0" * 16)
    here.log.decide(lambda: Batch([receipt(1)], [kept]))
    assert here.state().rate("r", "w") is kept
    fill(there, 1)
    assert here.state().rate("r", "w") is kept
    there.log.decide(lambda: Batch((), [kept._replace(mono=3.0)]))
    changed = here.state().rate("r", "w")
    assert changed is not None and changed.mono == 3.0
    assert here.state().rate("s", "w") is None and here.state().rate("r", "v") is None


def test_what_is_decided_in_two_halls_at_once_is_one_chain(two: tuple[Store, Store]) -> None:
    threads = [threading.Thread(target=lambda each=each: [fill(each, 2) for _ in range(40)]) for each in two]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert audit.verify(two[0]) == audit.Checked(160)


def test_a_closed_store_refuses_to_write(store: Store) -> None:
    store.close()
    with pytest.raises(Exception, match="closed"):
        fill(store, 1)


def test_the_store_beside_reads_what_this_one_wrote(store: Store) -> None:
    store.ban_hash(HASH, "r")
    assert store.beside().ban_count() == 1
    assert store.beside() is store.beside()
    store.checkpoint()


# Changes


def test_what_was_changed_is_noted(store: Store) -> None:
    before = store.revision()
    store.put_worker(Worker(worker_id="ü\0", namespace="m", enrolled_at="1"))
    store.put_worker(Worker(worker_id="ü\0", namespace="m", display_name="again", enrolled_at="1"))
    store.attest("w", OTHER_HASH)
    store.ban("w", "leaks")
    store.withdraw("w")
    store.set_status("w", "retired")
    store.unban_hash(OTHER_HASH)
    store.add_key("n")
    store.put_rules([], "{}")
    found = store.changes(before, 1000)
    assert found is not None and store.revision() == found[-1].revision
    assert [(what, key, how) for _, what, key, how in found if what != "key"] == [
        ("worker", "ü\0", "enrolled"),
        ("worker", "ü\0", "enrolled"),
        ("worker", "w", "attestation"),
        ("worker", "w", "status"),
        ("ban", OTHER_HASH, ""),
        ("worker", "w", "attestation"),
        ("worker", "w", "status"),
        ("ban", OTHER_HASH, ""),
        ("policy", "", ""),
    ]
    assert "key" in {change.what for change in found}
    assert [change.revision for change in found] == sorted(change.revision for change in found)


def test_changes_are_read_in_pages_and_only_if_all_are_known(store: Store) -> None:
    before = store.revision()
    for number in range(5):
        store.ban_hash(f"{number:064x}", "r")
    assert [change.key for change in store.changes(before + 1, 2) or ()] == [f"{number:064x}" for number in (1, 2)]
    assert store.changes(before + 5, 2) == [] and store.revision() == before + 5
    assert store.changes(before + 6, 2) is None, "this store has not come so far"
    store.add_upstream_bans([Ban(sha256=f"{n:064x}", reason="r", reported_at="2026") for n in range(CHANGES_KEPT + 9)])
    assert store.changes(before + 5, 1) is None, "too many"


def test_what_another_hall_changes_is_noted(two: tuple[Store, Store]) -> None:
    here, there = two
    before = here.revision()
    there.ban_hash(HASH, "r")
    found = here.changes(before, 10)
    assert found is not None and [(change.what, change.key) for change in found] == [("ban", HASH)]


def test_workers_and_bans_are_found_by_their_names(store: Store) -> None:
    store.ban_hash(HASH, "r")
    many = [f"{number:064x}" for number in range(1200)]
    assert [ban.reason for ban in store.bans_of([*many, HASH, OTHER_HASH])] == ["r"]
    assert sorted(each.worker_id for each in store.workers_named([*many, "w", "v", "none"])) == ["v", "w"]
    assert store.bans_of([]) == [] and store.workers_named([]) == []
