"""Who watches a profile: at most one program at a time, by a row in the journal that it keeps changing.

No clock has to be right, and no two have to agree: a row is stale if it has not changed for a while by the looker's own
clock. Whoever takes it names the row that it saw, so that of two only one gets it, and who held it before notices.
"""

import sqlite3
from collections.abc import Callable
from typing import NamedTuple

from pyhall_tui.journal.connections import JournalFile
from pyhall_tui.journal.turns import begin


class Holder(NamedTuple):
    """The program that watches a profile."""

    token: str
    """Identifies one time of holding it."""
    pid: int
    host: str
    """The name of its machine."""
    place: str
    """Identifies the machine's run and its process numbers; empty if that is unknown."""
    beat: int = 0
    """Increases for as long as the program lives."""


class Watchers:
    """Reads and changes the rows. Each call waits for the disk: never call it on a loop's thread.

    All but `holder` raise `sqlite3.Error` if the file can't be written.
    """

    def __init__(self, store: JournalFile) -> None:
        self._store = store

    @property
    def can_be_held(self) -> bool:
        """Whether other programs see the rows: not in memory."""
        return not self._store.in_memory

    def holder(self, profile: str) -> Holder | None:
        """Return who watches a profile; None if nobody does.

        Raises:
            sqlite3.Error: it can't be read.
        """
        found = self._store.read(lambda connection: (_holder(connection, profile),))
        if found is None:
            raise sqlite3.OperationalError("the journal can't be read")
        return found[0]

    def take(self, profile: str, mine: Holder, seen: Holder | None) -> bool:
        """Begin to watch a profile in the place of `seen`; False if that has changed."""

        def change(connection: sqlite3.Connection) -> bool:
            if _holder(connection, profile) != seen:
                return False
            connection.execute("INSERT OR REPLACE INTO watchers VALUES (?,?,?,?,?,?)", (profile, *mine))
            return True

        return self._write(change)

    def beat(self, profile: str, token: str) -> bool:
        """Say that the holder lives; False if it no longer holds it."""
        update = "UPDATE watchers SET beat = beat + 1 WHERE profile = ? AND token = ?"
        return self._write(lambda connection: connection.execute(update, (profile, token)).rowcount > 0)

    def leave(self, profile: str, token: str) -> None:
        """Stop watching."""
        delete = "DELETE FROM watchers WHERE profile = ? AND token = ?"
        self._write(lambda connection: connection.execute(delete, (profile, token)).rowcount > 0)

    def _write(self, change: Callable[[sqlite3.Connection], bool]) -> bool:
        changed = [False]

        def transaction(connection: sqlite3.Connection) -> None:
            begin(connection)
            changed[0] = change(connection)
            connection.execute("COMMIT")

        self._store.write(transaction)
        return changed[0]


def _holder(connection: sqlite3.Connection, profile: str) -> Holder | None:
    asked = "SELECT token, pid, host, place, beat FROM watchers WHERE profile = ?"
    row = connection.execute(asked, (profile,)).fetchone()
    return Holder(*row) if row else None
