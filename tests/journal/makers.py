"""Rows as higher layers make them, and a wait for a condition."""

import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

from pyhall_tui.fleet.events import Event, Kind, Severity
from pyhall_tui.journal.last_verdict import LastVerdict
from pyhall_tui.journal.rows import DispatchRow, EnrollmentRow, EnrollmentState
from pyhall_tui.registry.models import Verdict

NOW = 1_774_000_000.0
"""The wall time at which `ManualClock` starts."""


def event(kind: Kind = Kind.BANNED, worker_id: str | None = "org.acme.w1", **fields: object) -> Event:
    values = {"severity": Severity.ALARM, "at": NOW, "before": "clean", "after": "banned", **fields}
    return Event(kind=kind, worker_id=worker_id, **values)


def dispatch(**fields: object) -> DispatchRow:
    values = {
        "at": NOW,
        "namespace": "org.acme",
        "capability": "mail.send",
        "worker_id": "org.acme.w1",
        "outcome": "allow",
        "correlation_id": "req-1",
        **fields,
    }
    return DispatchRow(**values)


def enrollment(
    row_key: str = "k1", state: EnrollmentState = EnrollmentState.SENDING, **fields: object
) -> EnrollmentRow:
    return EnrollmentRow(**{"batch": "b1", "row_key": row_key, "state": state, "at": NOW, **fields})


def verdict(worker_id: str = "org.acme.w1", rank: int = 8, at: float = NOW, **fields: object) -> LastVerdict:
    answer = {"worker_id": worker_id, "known": True, "status": "active", "raw": b'{"a":1}', **fields}
    return LastVerdict(worker_id=worker_id, verdict=Verdict(**answer), at=at, rank=rank)


def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until `condition()` holds; fail if it does not within that time."""
    deadline = time.monotonic() + seconds
    tick = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "the condition never held"
        tick.wait(0.005)


def rows_in(path: Path, table: str) -> int:
    """Count a table's rows without the program, as a third party would see them."""
    connection = sqlite3.connect(path)
    try:
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    finally:
        connection.close()


def integrity(path: Path) -> str:
    connection = sqlite3.connect(path)
    try:
        return connection.execute("PRAGMA integrity_check").fetchone()[0]
    finally:
        connection.close()
