"""The newest row that was seen of each hall's decision log: whoever owns the hall's machine can't change it here.

A log is known by its own id, so two halls on one store, and two profiles for one hall, share a mark.
"""

import sqlite3
from typing import Final, NamedTuple

from pyhall_tui.journal.connections import JournalFile
from pyhall_tui.journal.turns import begin

_MOST: Final = 1_000
"""Logs that are remembered, those seen last."""


class LogMark(NamedTuple):
    """A log's newest row, and when it was seen first (seconds since the epoch).

    `public_key` signs the log at one address; empty if nothing does, or if it is not about an address.
    """

    log_id: str
    seq: int
    entry_hash: str
    at: float
    public_key: str = ""


class LogMarks:
    """Reads and changes the rows. Each call waits for the disk: never call it on a loop's thread.

    All raise `sqlite3.Error` if the file can't be read or written.
    """

    def __init__(self, store: JournalFile) -> None:
        self._store = store

    def at_registry(self, registry: str) -> LogMark | None:
        """Return the mark of the log that was served at this address last."""
        found = "SELECT m.*, public_key FROM hall_logs JOIN log_marks AS m USING (log_id) WHERE registry = ?"
        return self._one(found, registry)

    def of_log(self, log_id: str) -> LogMark | None:
        """Return a log's mark."""
        return self._one("SELECT * FROM log_marks WHERE log_id = ?", log_id)

    def put(self, registry: str, mark: LogMark, *, anyway: bool = False) -> None:
        """Keep a mark, unless another program has seen a later row; `anyway`: whatever was seen before."""

        def transaction(connection: sqlite3.Connection) -> None:
            begin(connection)
            connection.execute(
                "INSERT INTO log_marks (log_id, seq, entry_hash, at) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (log_id) DO UPDATE SET seq = excluded.seq, entry_hash = excluded.entry_hash,"
                " at = excluded.at WHERE excluded.seq > log_marks.seq OR ?",
                (*mark[:4], anyway),
            )
            served = (registry, mark.log_id, mark.public_key)
            connection.execute("INSERT OR REPLACE INTO hall_logs VALUES (?, ?, ?)", served)
            connection.execute(
                "DELETE FROM log_marks WHERE log_id IN"
                " (SELECT log_id FROM log_marks ORDER BY log_id = ? DESC, at DESC LIMIT -1 OFFSET ?)",
                (mark.log_id, _MOST),  # this one stays, also if the clock is wrong
            )
            connection.execute("DELETE FROM hall_logs WHERE log_id NOT IN (SELECT log_id FROM log_marks)")
            connection.execute("COMMIT")

        self._store.write(transaction)

    def forget(self, registry: str) -> None:
        """Forget which log was served at this address; the log's own mark stays."""

        def transaction(connection: sqlite3.Connection) -> None:
            begin(connection)
            connection.execute("DELETE FROM hall_logs WHERE registry = ?", (registry,))
            connection.execute("COMMIT")

        self._store.write(transaction)

    def _one(self, question: str, about: str) -> LogMark | None:
        found = self._store.read(lambda connection: connection.execute(question, (about,)).fetchall())
        if found is None:
            raise sqlite3.OperationalError("the journal can't be read")
        return LogMark(*found[0]) if found else None
