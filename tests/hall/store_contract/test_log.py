"""What every hall store does with the decision log."""

import pytest

from pyhall_tui.hall import audit
from pyhall_tui.hall.store import Store
from pyhall_tui.hall.store.chain import GENESIS, entry_hash
from pyhall_tui.hall.store.protocol import Batch
from tests.hall.store_contract.places import fill, receipt


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


def test_the_newest_checkpoint_is_read_by_itself(store: Store) -> None:
    assert store.log.last_checkpoint() is None
    for seq, note in ((9, "about 9"), (10, "about 10"), (2, "about 2")):
        store.log.put_checkpoint(seq, note)
    assert store.log.last_checkpoint() == "about 10"
    store.log.put_checkpoint(10, ", again")
    assert store.log.last_checkpoint() == store.log.checkpoints()[-1] == "about 10, again"
