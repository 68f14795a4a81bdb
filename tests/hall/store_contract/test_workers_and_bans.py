"""What every hall store does with workers, bans and reports."""

import pytest

from pyhall_tui.hall.models import Ban, Worker
from pyhall_tui.hall.store import Store
from tests.hall.store_contract.places import HASH, OTHER_HASH, worker


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


def test_workers_and_bans_are_found_by_their_names(store: Store) -> None:
    store.ban_hash(HASH, "r")
    many = [f"{number:064x}" for number in range(1200)]
    assert [ban.reason for ban in store.bans_of([*many, HASH, OTHER_HASH])] == ["r"]
    assert sorted(each.worker_id for each in store.workers_named([*many, "w", "v", "none"])) == ["v", "w"]
    assert store.bans_of([]) == [] and store.workers_named([]) == []
