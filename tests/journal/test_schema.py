"""The journal's tables from one version to the next: what an earlier version wrote stays readable."""

import sqlite3
from pathlib import Path

import pytest

from pyhall_tui.dispatch.result import Result, result_of
from pyhall_tui.journal import schema
from pyhall_tui.journal.journal import Journal
from tests.clock import ManualClock

FIRST = (
    "INSERT INTO dispatches (id, profile, at, namespace, capability, worker_id, context, outcome, deny_code, reason,"
    " decision_id, correlation_id, correlation_back, status, elapsed_ms, error, may_have_reached, request_raw,"
    " response_raw) VALUES (?,'prod',1.0,'org.yourco','c','w','{}',?,?,NULL,NULL,'req-1',NULL,200,1.0,'',0,x'',?)"
)


def of_the_first_version(path: Path, *rows: tuple[str, str | None, bytes]) -> Path:
    """Make a journal as the first version wrote it, with dispatches of an outcome, a deny code and a raw answer."""
    with sqlite3.connect(path) as connection:
        connection.executescript(schema.MIGRATIONS[0])
        connection.execute("PRAGMA user_version = 1")
        connection.executemany(FIRST, [(number, *row) for number, row in enumerate(rows, 1)])
    connection.close()
    return path


@pytest.mark.parametrize(
    ("outcome", "code", "raw", "result"),
    [
        ("allow", None, b"", Result.ALLOW),
        ("deny", "POLICY_BLOCKED", b"", Result.DENY),
        ("no → allow", None, b"", Result.OTHER),
        ("no → allow", None, b'{"outcome": "no \\u2192 allow"}', Result.OTHER),
        ("allow → hold", None, b'{"outcome": "allow", "supervisor_required": true}', Result.HOLD),
        ("allow → deny", None, b"", Result.OTHER),
        ("allow", None, b"[" * 16_000, Result.OTHER),
        ("allow", None, b'{"outcome": "allow", "x": ' + b"[" * 970 + b"]" * 970 + b"}", Result.OTHER),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_dispatch_of_the_first_version_is_read_from_the_answer_and_never_from_what_was_drawn(
    tmp_path: Path, outcome: str, code: str | None, raw: bytes, result: Result
) -> None:
    """F111, F105."""
    path = of_the_first_version(tmp_path / "journal.db", (outcome, code, raw))
    with Journal.open(path, ManualClock()) as journal:
        (row,) = journal.dispatches("prod")
        assert not journal.notes
    assert (row.outcome, result_of(row)) == (outcome, result)


def test_a_file_is_brought_to_this_version_once(tmp_path: Path) -> None:
    """F111."""
    path = of_the_first_version(tmp_path / "journal.db", ("allow", None, b""))
    for _ in range(2):
        with Journal.open(path, ManualClock()) as journal:
            assert len(journal.dispatches("prod")) == 1
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
    connection.close()
