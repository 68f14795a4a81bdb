"""An export with a slow reader holds nothing up."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pyhall_tui.hall import audit, exchange
from pyhall_tui.hall.errors import StoreError
from pyhall_tui.hall.store import SqliteStore, Store
from tests.hall.process import run
from tests.hall.tampering import tampering

EXPORTS = {"store": exchange.export, "log": audit.export}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = SqliteStore(tmp_path / "hall.db")
    for number in range(3):
        made.ban_hash(f"{number:064x}", "r")
    decide(made, 1300)
    yield made
    made.close()


def decide(store: Store, count: int) -> None:
    audit.append(store, *({"namespace": "n", "rule": "r", "outcome": "allow", "number": n} for n in range(count)))


@pytest.mark.parametrize("export", EXPORTS.values(), ids=EXPORTS)
def test_the_write_ahead_log_does_not_grow_with_it(
    export: Callable[[Store], Iterator[str]], store: Store, tmp_path: Path
) -> None:
    """F88: others write for hours meanwhile, and what they wrote is moved into the file at each step of the export."""
    reading = SqliteStore(tmp_path / "hall.db")
    taken = []
    for line in export(reading):
        taken.append(line)
        if len(taken) % 300 == 1:
            decide(store, 50)
            with sqlite3.connect(tmp_path / "hall.db") as db:
                assert db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
            assert (tmp_path / "hall.db-wal").stat().st_size == 0
    reading.close()
    if export is exchange.export:
        tables = [json.loads(line)["table"] for line in taken]
        assert (tables.count("decisions"), tables.count("bans")) == (1300, 3)
    else:
        assert len(taken) == 1300


def test_it_is_of_one_instant(store: Store, tmp_path: Path) -> None:
    """F88: what is decided and banned meanwhile is not in it, and the copy vouches for itself."""
    lines = exchange.export(store)
    taken = [next(lines), next(lines)]
    store.ban_hash("f" * 64, "later")
    decide(store, 700)
    taken += lines
    copy = SqliteStore(tmp_path / "copy.db")
    exchange.load(copy, taken, "x")
    assert (copy.ban_count(), copy.log.head()[0]) == (3, 1300)
    assert audit.verify(copy).whole
    copy.close()


@pytest.mark.parametrize("export", EXPORTS.values(), ids=EXPORTS)
def test_decisions_that_are_gone_before_they_were_read_are_said(
    export: Callable[[Store], Iterator[str]], store: Store, tmp_path: Path
) -> None:
    """F88: half a log is never taken for the whole."""
    lines = export(store)
    next(lines), next(lines)
    with tampering(store) as db:
        db.execute("DELETE FROM decisions WHERE seq <= 1000")
        store.set_setting("audit_anchor", f"1000:{audit.hash_of(store, 1001)}")
    with pytest.raises(StoreError, match="start again"):
        list(lines)


def test_the_command_exports_and_imports_all(store: Store, tmp_path: Path) -> None:
    """F88: the same lines as ever."""
    assert run("export", tmp_path / "out.jsonl", "--db", tmp_path / "hall.db").exit_code == 0
    assert run("import", tmp_path / "out.jsonl", "--db", tmp_path / "copy.db").exit_code == 0
    copy = SqliteStore(tmp_path / "copy.db")
    assert copy.log.head() == store.log.head() and copy.bans() == store.bans()
    copy.close()
