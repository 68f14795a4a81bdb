"""What every hall store knows when a decision is made, whoever changed it."""

import threading

import pytest

from pyhall_tui.hall import audit
from pyhall_tui.hall.models import Ban
from pyhall_tui.hall.store import Store
from pyhall_tui.hall.store.protocol import Batch, KeptRate
from pyhall_tui.hall.store.schema import CHANGES_KEPT
from tests.hall.store_contract.places import HASH, fill, receipt, worker


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
