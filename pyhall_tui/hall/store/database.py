"""One connection to a hall's SQLite file (a WAL file, or memory): opening it, transactions, reading."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyhall_tui.files.private_file import make_private_database
from pyhall_tui.files.regular_file import reason
from pyhall_tui.hall.errors import StoreBusy, StoreError
from pyhall_tui.hall.store.schema import prepare

MEMORY = ":memory:"
_MOST_PAGES = 40_000  # of the write-ahead log, about 160 MiB; `checkpoint` is called long before
_PATIENCE = 2.5  # seconds to wait for another program's lock when opening
OF_A_COMMAND = 5.0  # … when writing
OF_A_LOOP = 0.2
"""Long enough for another program's small write."""
_FINAL = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL)
"""Errors that another journal mode would not avoid."""


class Database:
    """A connection that several threads share, one at a time.

    Args:
        path: the SQLite file, created (mode 0600) if missing; `MEMORY` for a store that leaves nothing behind.

    Raises:
        StoreError: the file can't be opened, is not a store, or is from a newer version.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = str(path)
        self.lock = threading.RLock()
        self.note: str | None = None
        self._patience = OF_A_COMMAND
        try:
            self._db = self._open()
        except (OSError, sqlite3.Error) as error:
            why = reason(error) if isinstance(error, OSError) else error
            if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
                why = "another program has locked it, or its file system has no locks: use --db on a local disk"
            raise StoreError(f"can't open the hall's store {self.path}: {why}") from error

    def _open(self) -> sqlite3.Connection:
        if self.path != MEMORY:
            make_private_database(Path(self.path))
        errors: list[sqlite3.OperationalError] = []
        # Without shared memory, a file in WAL mode can't be read unless it is locked for one program.
        for mode, alone in (("WAL", False), ("TRUNCATE", False), ("TRUNCATE", True)):
            try:
                return self._open_in(mode, alone=alone)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF in _FINAL:
                    raise
                errors.append(error)
        raise errors[0]

    def _open_in(self, mode: str, *, alone: bool) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=_PATIENCE)
        try:
            db.row_factory = sqlite3.Row
            if alone:
                db.execute("PRAGMA locking_mode=EXCLUSIVE").fetchall()
            (kept,) = db.execute(f"PRAGMA journal_mode={mode}").fetchone()
            if alone:
                db.execute("PRAGMA locking_mode=NORMAL").fetchall()
            if kept == "wal":
                db.execute(f"PRAGMA wal_autocheckpoint={_MOST_PAGES}").fetchall()
                db.execute("PRAGMA synchronous=NORMAL")  # with WAL: whole after kill -9, and after a power cut
            elif self.path != MEMORY:
                self.note = (
                    f"The file system of {self.path} does not support a write-ahead log: using mode {kept.upper()}."
                )
            prepare(db, self.path)
            _wait(db, OF_A_COMMAND)
        except BaseException:
            db.close()
            raise
        return db

    @property
    def alone(self) -> bool:
        """Whether this must be its process's only connection."""
        return self.path == MEMORY or self.note is not None

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction or a snapshot is open."""
        return self._db.in_transaction

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One transaction; one within another is part of it.

        Raises:
            StoreBusy: another process holds the store for longer than this one waits.
            StoreError: it can't be written, such as on a full disk.
        """
        with self.lock:
            try:
                if self._db.in_transaction:
                    yield self._db
                    return
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    yield self._db
                    self._db.execute("COMMIT")
                except BaseException:
                    if self._db.in_transaction:  # SQLite itself may have rolled it back, as when the disk is full
                        self._db.execute("ROLLBACK")
                    raise
            except sqlite3.OperationalError as error:
                kind = StoreBusy if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY else StoreError
                raise kind(f"can't write to the hall's store {self.path}: {error}") from error

    def wait_for(self, patience: float) -> None:
        """From now on, wait so many seconds for another process that holds the store."""
        with self.lock:
            self._patience = patience
            _wait(self._db, patience)

    @contextmanager
    def not_waiting(self) -> Iterator[None]:
        """Don't wait inside for another process that holds the store: a transaction then fails at once."""
        with self.lock:
            _wait(self._db, 0)
            try:
                yield
            finally:
                _wait(self._db, self._patience)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Make all reads inside show the same instant, even if another process writes meanwhile."""
        with self.lock:
            if self._db.in_transaction:
                yield
                return
            self._db.execute("BEGIN")
            try:
                yield
            finally:
                self._db.execute("COMMIT")

    def stream(self, sql: str, *values: Any) -> Iterator[sqlite3.Row]:
        """Yield a query's rows one by one, for results too long to hold; use it within a `snapshot`."""
        yield from self._db.execute(sql, values)

    def read(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """Return the rows of a query."""
        with self.lock:
            return self._db.execute(sql, values).fetchall()

    def value(self, sql: str, *values: Any) -> Any:
        """Return the first column of the first row; None if there is none."""
        rows = self.read(sql, *values)
        return rows[0][0] if rows else None

    def written_elsewhere(self) -> int:
        """Return a number that changes whenever another connection has written."""
        number: int = self._db.execute("PRAGMA data_version").fetchone()[0]
        return number

    def checkpoint(self) -> None:
        """Move the write-ahead log's content into the file; call it from any thread, because it waits for the disk."""
        if self.alone:
            return
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(self.path)) as db:
            db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def close(self) -> None:
        """Close the file."""
        with self.lock:
            self._db.close()


def _wait(db: sqlite3.Connection, seconds: float) -> None:
    db.execute(f"PRAGMA busy_timeout={seconds * 1000:.0f}").fetchall()
