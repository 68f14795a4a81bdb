"""Rows on their way to the file. What takes time and needs no file (masking, encoding) happens before the transaction,
because other programs wait for its end; then rows of one kind are written together."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any, Final, Generic, TypeVar

from pyhall_tui.journal.open_file import is_damage

T = TypeVar("T")

Work = Callable[[sqlite3.Connection], None]
"""Writes something, within the writer's transaction."""
Values = tuple[Any, ...]
"""One row of a table."""

_AT_A_TIME: Final = (32, 4, 1)
"""Rows in one statement: few different numbers, because each is compiled once. SQLite before 3.32 takes 999 values."""


class Row(Generic[T]):
    """One row, or what is as good as one: `make` returns its values, `write` writes those of several rows, in order."""

    __slots__ = ("_made", "_make", "write")

    def __init__(self, make: Callable[[], T], write: Callable[[sqlite3.Connection, Sequence[T]], None]) -> None:
        self._make = make
        self._made: T | None = None
        self.write = write

    def __call__(self, connection: sqlite3.Connection) -> None:
        """Write it without others."""
        self.write(connection, [self.values()])

    def values(self) -> T:
        """Return its values, which are made once."""
        if self._made is None:
            self._made = self._make()
        return self._made


def prepare(rows: Iterable[Row[Any]]) -> None:
    """Make the values of rows that can be written; the others say why when they are."""
    for row in rows:
        with suppress(Exception):
            row.values()


def write_together(connection: sqlite3.Connection, rows: Sequence[Row[T]]) -> bool:
    """Write rows of one kind; return False, with none of them written, if one of them can't be written as it is.

    Raises:
        sqlite3.Error: nothing can be written.
    """
    connection.execute("SAVEPOINT together")
    try:
        rows[0].write(connection, [row.values() for row in rows])
    except Exception as error:
        if concerns_all(error):
            raise
        connection.execute("ROLLBACK TO together")
        return False
    connection.execute("RELEASE together")
    return True


def concerns_all(error: Exception) -> bool:
    """Whether an error concerns the file, not only the row that was being written."""
    return isinstance(error, sqlite3.OperationalError | sqlite3.InternalError) or is_damage(error)


def insert(connection: sqlite3.Connection, head: str, rows: Iterable[Values], tail: str = "") -> None:
    """Insert rows of equal length, in order and with few statements: after each, Python may let other threads run.

    `head` comes before `VALUES`, `tail` after the rows.
    """
    left = list(rows)
    for most in _AT_A_TIME:
        while len(left) >= most:
            some, left = left[:most], left[most:]
            one = f"({','.join('?' * len(some[0]))})"
            connection.execute(f"{head} VALUES {','.join([one] * most)} {tail}", tuple(chain.from_iterable(some)))
