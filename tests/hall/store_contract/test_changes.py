"""What every hall store notes about changes."""

from pyhall_tui.hall.models import Ban, Worker
from pyhall_tui.hall.store import Store
from pyhall_tui.hall.store.schema import CHANGES_KEPT
from tests.hall.store_contract.places import HASH, OTHER_HASH


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
    store.set_setting("offline", "2026-11-26T10:00:00Z")
    store.set_setting("offline", "")
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
        ("service", "", ""),
        ("service", "", ""),
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
