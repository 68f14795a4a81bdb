"""The decision log: nothing in it can be changed, removed or truncated unnoticed."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pyhall_tui.attest.evidence import verify_log
from pyhall_tui.hall import audit
from pyhall_tui.hall.retention import Retention, prune
from pyhall_tui.hall.store import SqliteStore, Store
from tests.hall.tampering import tampering


@pytest.fixture
def store() -> Store:
    store = SqliteStore()
    for number in range(1, 11):
        audit.append(store, receipt(number))
    return store


def receipt(number: int) -> dict[str, object]:
    outcome = "deny" if number % 3 == 0 else "allow"
    return {"n": number, "namespace": "a" if number % 2 else "b", "rule": "r", "outcome": outcome, "decided_at": "2026"}


def change(store: Store, sql: str) -> None:
    with tampering(store) as db:
        db.execute(sql)


def test_a_log_that_nobody_touched_is_whole(store: Store) -> None:
    assert audit.verify(store) == audit.Checked(10)
    assert audit.verify(SqliteStore()) == audit.Checked(0)


@pytest.mark.parametrize(
    ("sql", "bad", "why"),
    [
        ("UPDATE decisions SET receipt = replace(receipt, 'deny', 'allow') WHERE seq = 3", 3, "changed"),
        ("UPDATE decisions SET entry_hash = 'x' WHERE seq = 4", 4, "changed"),
        ("DELETE FROM decisions WHERE seq = 5", 5, "missing"),
        ("DELETE FROM decisions WHERE seq = 1", 1, "missing"),
        ("DELETE FROM decisions WHERE seq > 8", 9, "truncated"),
        ("DELETE FROM decisions", 1, "truncated"),
    ],
)
def test_the_first_bad_row_is_named(store: Store, sql: str, bad: int, why: str) -> None:
    change(store, sql)
    checked = audit.verify(store)
    assert not checked.whole
    assert checked.bad_seq == bad
    assert why in checked.why


def test_a_row_that_was_taken_out_and_closed_up_is_found(store: Store) -> None:
    change(store, "DELETE FROM decisions WHERE seq = 5")
    change(store, "UPDATE decisions SET seq = seq - 1 WHERE seq > 5")
    assert audit.verify(store).bad_seq == 5


def test_a_whole_new_log_does_not_pass_a_head_that_was_kept_elsewhere(store: Store) -> None:
    kept = store.log.head()
    forged = SqliteStore()
    for number in range(1, 13):
        audit.append(forged, receipt(number + 1))
    assert audit.verify(forged).whole
    assert audit.verify(forged, kept).bad_seq == 10
    shorter = SqliteStore()
    audit.append(shorter, receipt(1))
    assert "kept elsewhere" in audit.verify(shorter, kept).why


def test_a_head_that_was_kept_elsewhere_passes_while_the_log_grows(store: Store) -> None:
    kept = store.log.head()
    audit.append(store, receipt(11))
    assert audit.verify(store, kept).whole


def test_it_is_exported_as_an_evidence_log_that_anybody_can_check(store: Store, tmp_path: Path) -> None:
    (tmp_path / "all").write_text("\n".join(audit.export(store)) + "\n")
    check = verify_log(tmp_path / "all", known=None)
    assert check.whole and (check.entries, check.last_hash) == store.log.head()
    prune(store, Retention(4))
    (tmp_path / "rest").write_text("\n".join(audit.export(store)) + "\n")
    assert "first lines are missing" in verify_log(tmp_path / "rest", known=None).sentence


def test_the_log_is_read_newest_first_by_namespace_and_number(store: Store) -> None:
    assert [d["n"] for d in audit.decisions(store, 3)] == [10, 9, 8]
    assert [d["n"] for d in audit.decisions(store, 2, namespace="a")] == [9, 7]
    assert [d["seq"] for d in audit.decisions(store, 9, after=8)] == [10, 9]
    assert store.log.counts("2026", None) == {"allow": 7, "deny": 3}
    assert store.log.counts("2026", "b") == {"allow": 4, "deny": 1}
    assert store.log.rule_hits() == {"r": 10}


def test_a_log_that_grows_while_it_is_checked_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "hall.db"
    served, checked = SqliteStore(path), SqliteStore(path)
    done = threading.Event()

    def grow() -> None:
        while not done.is_set():
            audit.append(served, receipt(1))

    with ThreadPoolExecutor() as pool:
        growing = pool.submit(grow)
        try:
            found = [audit.verify(checked)]
            deadline = time.monotonic() + 60
            while found[-1].rows < 300 and time.monotonic() < deadline:
                found.append(audit.verify(checked))
        finally:
            done.set()
        growing.result()
    assert all(check.whole for check in found)
    assert found[-1].rows >= 300
    served.close()
    checked.close()
