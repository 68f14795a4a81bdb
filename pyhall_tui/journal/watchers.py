"""Who watches a profile: at most one program at a time, by a row in the journal that it keeps changing.

No clock has to be right, and no two have to agree: a row is stale if it has not changed for a while by the looker's own
clock. Whoever takes it names the row that it saw, so that of two only one gets it, and who held it before notices.
"""

import os
import secrets
import socket
import sqlite3
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from pyhall_tui.journal import last_verdict, reader
from pyhall_tui.journal.connections import JournalFile
from pyhall_tui.journal.last_verdict import LastVerdict
from pyhall_tui.journal.turns import begin

T = TypeVar("T")

BEAT: Final = 2.0
"""Seconds between two signs of life."""
STALE: Final = 8.0
"""Seconds without one after which the holder counts as gone."""


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


class Look(NamedTuple):
    """What one look at the journal shows of a watched profile, all as of the same instant."""

    holder: Holder | None
    published: bytes
    """What the holder has published last; empty if there is nothing."""
    write: int
    """The number of the last write of verdicts."""
    newest_event: int
    """The id of the profile's newest event; 0 if there is none."""
    verdicts: list[LastVerdict]


class Watchers:
    """Reads and changes the rows. Each call waits for the disk: never call it on a loop's thread.

    All raise `sqlite3.Error` if the file can't be read or written.
    """

    def __init__(self, store: JournalFile) -> None:
        self._store = store

    @property
    def can_be_held(self) -> bool:
        """Whether other programs see the rows: not in memory."""
        return not self._store.in_memory

    def holder(self, profile: str) -> Holder | None:
        """Return who watches a profile; None if nobody does."""
        return self._read(lambda connection: _holder(connection, profile))

    def look(self, profile: str, after: int | None, since: float | None) -> Look:
        """Return who watches a profile, and the verdicts after that write; or all since that wall time, if it is given.

        With neither there are no verdicts. If `after` is of a journal before this one, all verdicts are returned.
        """
        if not self._store.is_in_place:
            raise sqlite3.OperationalError("the journal was moved or deleted")

        def question(connection: sqlite3.Connection) -> tuple[Look, list[tuple[object, ...]]]:
            connection.execute("BEGIN")
            try:
                write = _last_write(connection)
                known = after if after is None or after <= write else -1
                rows = last_verdict.rows_written(connection, profile, known, since)
                holder, published = _holder(connection, profile), _published(connection, profile)
                return Look(holder, published, write, reader.newest_event(connection, profile), []), rows
            finally:
                connection.execute("ROLLBACK")

        look, rows = self._read(question)
        return look._replace(verdicts=last_verdict.read_rows(rows))

    def take(self, profile: str, mine: Holder, seen: Holder | None) -> bool:
        """Begin to watch a profile in the place of `seen`; False if that has changed."""

        def change(connection: sqlite3.Connection) -> bool:
            if _holder(connection, profile) != seen:
                return False
            columns = "(profile, token, pid, host, place, beat)"
            connection.execute(f"INSERT OR REPLACE INTO watchers {columns} VALUES (?,?,?,?,?,?)", (profile, *mine))
            return True

        return self._write(change)

    def beat(self, profile: str, token: str, published: bytes = b"") -> bool:
        """Say that the holder lives, and publish what it knows; False if it no longer holds it."""
        update = "UPDATE watchers SET beat = beat + 1, published = ? WHERE profile = ? AND token = ?"
        return self._write(lambda connection: connection.execute(update, (published, profile, token)).rowcount > 0)

    def leave(self, profile: str, token: str) -> None:
        """Stop watching."""
        delete = "DELETE FROM watchers WHERE profile = ? AND token = ?"
        self._write(lambda connection: connection.execute(delete, (profile, token)).rowcount > 0)

    def _read(self, question: Callable[[sqlite3.Connection], T]) -> T:
        found = self._store.read(lambda connection: (question(connection),))
        if found is None:
            raise sqlite3.OperationalError("the journal can't be read")
        return found[0]

    def _write(self, change: Callable[[sqlite3.Connection], bool]) -> bool:
        changed = [False]

        def transaction(connection: sqlite3.Connection) -> None:
            begin(connection)
            changed[0] = change(connection)
            connection.execute("COMMIT")

        self._store.write(transaction)
        return changed[0]


def this_program() -> Holder:
    """Return what identifies this program, for one time of holding."""
    return Holder(secrets.token_hex(8), os.getpid(), socket.gethostname(), _place())


def has_ended(holder: Holder) -> bool:
    """Whether a program has certainly ended."""
    if not holder.place or holder.place != _place():
        return False
    try:
        os.kill(holder.pid, 0)
        state = Path(f"/proc/{holder.pid}/stat").read_bytes().rpartition(b")")[2].split()[0]
    except ProcessLookupError:
        return True
    except (OSError, IndexError, OverflowError):  # it may be another user's
        return False
    return state in (b"Z", b"X")  # ended, but nobody has asked how


@cache
def _place() -> str:
    """Return what identifies the numbers of processes here: the machine since it was started, and the container."""
    if sys.platform != "linux":
        return ""
    try:
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _holder(connection: sqlite3.Connection, profile: str) -> Holder | None:
    asked = "SELECT token, pid, host, place, beat FROM watchers WHERE profile = ?"
    row = connection.execute(asked, (profile,)).fetchone()
    if row is None:
        return None
    token, pid, host, place, beat = row
    is_sound = all(isinstance(each, str) for each in (token, host, place)) and isinstance(pid, int) and pid > 0
    return Holder(*row) if is_sound and isinstance(beat, int) else Holder(repr(row), 0, "", "")


def _published(connection: sqlite3.Connection, profile: str) -> bytes:
    row = connection.execute("SELECT published FROM watchers WHERE profile = ?", (profile,)).fetchone()
    return row[0] if row and isinstance(row[0], bytes) else b""


def _last_write(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT number FROM writes").fetchone()
    return row[0] if row and isinstance(row[0], int) else 0
