"""Several programs write to one file: each gets its turn, and what came while it waited is written with the rest."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyhall_tui.journal import turns
from pyhall_tui.journal.connections import JournalFile
from pyhall_tui.journal.journal import Journal
from pyhall_tui.journal.turns import begin, pause_after
from tests.clock import ManualClock
from tests.journal.makers import event, until


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with Journal.open(tmp_path / "journal.db", ManualClock()):
        return tmp_path / "journal.db"


@pytest.fixture
def other(path: Path) -> Iterator[sqlite3.Connection]:
    """Another program, in the middle of its transaction."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")
    yield connection
    connection.close()


def test_whoever_has_waited_longer_looks_more_often() -> None:
    pauses = [pause_after(0.05 * times) for times in range(40)]
    assert pauses == sorted(pauses, reverse=True)
    assert pause_after(0.0) >= 30 * pause_after(0.3)


def test_what_comes_while_the_writer_waits_is_written_in_the_same_transaction(
    path: Path, other: sqlite3.Connection
) -> None:
    with Journal(JournalFile(path), ManualClock(), pace=0.0) as journal:
        journal.record_event("prod", event(worker_id="first"))
        assert not journal.flush(0.2)
        journal.record_event("prod", event(worker_id="later"))
        other.execute("ROLLBACK")
        asked = "SELECT worker_id FROM events ORDER BY id"
        until(lambda: bool(other.execute(asked).fetchall()))
        assert other.execute(asked).fetchall() == [("first",), ("later",)]


def test_the_wait_ends_with_an_error_and_the_connection_is_patient_as_before(
    path: Path, other: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "PATIENCE_MS", 50)
    ours = sqlite3.connect(path, isolation_level=None)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        begin(ours)
    assert ours.execute("PRAGMA busy_timeout").fetchone() == (50,)
    other.execute("ROLLBACK")
    begin(ours)
    ours.close()
