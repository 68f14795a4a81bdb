"""Rows are prepared before the transaction and written together, with the same result as one by one."""

import sqlite3
import threading
from pathlib import Path

import pytest

from pyhall_tui.fleet.events import Kind, Severity
from pyhall_tui.journal.journal import Journal
from pyhall_tui.logs import masking
from tests.clock import ManualClock
from tests.journal.makers import NOW, enrollment, event, until, verdict

IDS = {"id", "event_id", "resolved_event", "seq", "act", "acknowledged", "body"}
"""Columns that hold numbers of one run: only whether there is one is compared."""


def contents(path: Path) -> dict[str, list[dict[str, object]]]:
    """Return the rows of all tables about events, without the numbers of this run."""
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    try:
        return {
            table: [
                {key: bool(row[key]) if key in IDS else row[key] for key in row.keys()}  # noqa: SIM118
                for row in connection.execute(f"SELECT * FROM {table} ORDER BY {order}").fetchall()
            ]
            for table, order in (("events", "id"), ("alarms", "id"), ("alarm_changes", "seq"), ("enrollments", "batch"))
        }
    finally:
        connection.close()


def a_story(journal: Journal, *, flush_each: bool) -> None:
    """Bans that come and go, are folded, acknowledged and come again, with other rows between them."""
    for n in range(60):
        kind = Kind.UNBANNED if n % 2 else Kind.BANNED
        severity = Severity.INFO if n % 2 else Severity.ALARM
        journal.record_event(
            "prod",
            event(kind, f"w{n % 14 // 2}", at=NOW + n, severity=severity, correlation_id=f"c{n}", detail=f"r\udc80{n}"),
            namespace="org.acme",
        )
        if n == 20:
            journal.acknowledge_all("prod", 2**62, by="ann", note="seen")
        if n % 10 == 0:
            journal.record_enrollment("prod", enrollment(f"k{n % 3}", at=NOW + n))
        if flush_each:
            assert journal.flush(30)
    assert journal.flush(30)


def test_written_together_or_one_by_one_it_is_the_same(tmp_path: Path) -> None:
    found = []
    for name, flush_each in (("one", True), ("all", False)):
        path = tmp_path / f"{name}.db"
        with Journal.open(path, ManualClock()) as journal:
            a_story(journal, flush_each=flush_each)
            assert journal.notes == ()
        found.append(contents(path))
    assert found[0] == found[1]
    assert max(row["times"] for row in found[0]["events"]) > 1
    assert any(row["earlier_ids"] for row in found[0]["events"])


def test_a_row_that_cannot_be_written_holds_up_none_of_those_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with Journal.open(path, ManualClock()) as journal:
        for n in range(100):
            journal.record_event("prod", event(worker_id=f"w{n:03}", at=2**70 if n in (40, 41) else NOW))
            journal.save_verdict("prod", verdict(f"w{n:03}", at=2**70 if n == 7 else NOW))
        assert journal.flush(30)
        assert journal.notes == ("3 rows could not be written to the journal unchanged; the log says why.",)
        written = [one.worker_id for one in reversed(journal.events("prod"))]
        assert written == [f"w{n:03}" for n in range(100) if n not in (40, 41)]
        assert len(journal.all_verdicts("prod")) == 99


def test_what_takes_time_is_done_while_another_program_has_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[str] = set()
    everything = threading.Event()
    mask = masking.mask

    def watched(text: str, most: int | None = None) -> str:
        seen.add(text)
        if {"an event", "a verdict"} <= seen:
            everything.set()
        return mask(text, most)

    monkeypatch.setattr(masking, "mask", watched)
    path = tmp_path / "journal.db"
    with Journal.open(path, ManualClock()) as journal:
        assert journal.flush(30)
        other = sqlite3.connect(path, isolation_level=None, timeout=30)
        other.execute("BEGIN IMMEDIATE")
        journal.record_event("prod", event(detail="an event"))
        journal.save_verdict("prod", verdict(raw=b"a verdict"))
        assert everything.wait(30)
        assert other.execute("SELECT count(*) FROM events").fetchone() == (0,)
        other.execute("ROLLBACK")
        other.close()
        until(lambda: len(journal.events("prod")) == len(journal.all_verdicts("prod")) == 1)
