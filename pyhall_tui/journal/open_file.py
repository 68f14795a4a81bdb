"""Opens the file. If that fails, it uses another journal mode, a new file, or memory. It never raises."""

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from pyhall_tui.files.private_file import make_private_database
from pyhall_tui.files.regular_file import require_regular
from pyhall_tui.journal import schema

Connect = Callable[..., sqlite3.Connection]
"""`sqlite3.connect`, or its replacement in a test of a bad disk."""

OPEN_PATIENCE = 0.25
"""Seconds to wait at start for a lock that another program holds, and how often."""
_TRIES = 3


class _Mode(NamedTuple):
    journal: str
    alone: bool = False


_MODES = (
    _Mode("WAL"),
    _Mode("TRUNCATE"),
    # Without shared memory (on a network file system), a file in WAL mode can't be read at all unless it is locked for
    # one program. While it is locked, its mode can be changed; then it is shared again.
    _Mode("TRUNCATE", alone=True),
)

_REASONS = {
    sqlite3.SQLITE_BUSY: "another program has locked it, or its file system does not support locks",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "it can be read but not written",
    sqlite3.SQLITE_CANTOPEN: "it can't be opened",
    sqlite3.SQLITE_IOERR: "the disk reports an error",
    sqlite3.SQLITE_PROTOCOL: "its file system does not lock files as it should",
}


class JournalConnections(NamedTuple):
    """Two connections: one writes, the other reads. In memory they are the same."""

    write: sqlite3.Connection
    read: sqlite3.Connection
    in_memory: bool
    notes: tuple[str, ...]
    """What is wrong, in sentences."""

    def close(self) -> None:
        """Close both; disk errors no longer matter."""
        for connection in {self.read, self.write}:
            with suppress(sqlite3.Error):
                connection.close()


class _Newer(Exception):
    """The file was written by a newer version of this program."""


def code_of(error: Exception) -> int:
    """Return SQLite's class of error (the low byte of its code); 0 if it is not one of SQLite's own."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def is_damage(error: Exception) -> bool:
    """Return whether it says that the file is not a database (any more), rather than locked, full or unreachable."""
    return code_of(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def open_memory(*notes: str) -> JournalConnections:
    """Open a journal that is gone when the program ends."""
    connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
    schema.migrate(connection)
    return JournalConnections(connection, connection, True, notes)


def open_file(path: Path, connect: Connect = sqlite3.connect) -> JournalConnections:
    """Open or create the file at `path`, or fall back; `notes` says to what and why."""
    try:
        _prepare(path)
        return _open_modes(path, connect)
    except _Newer as error:
        return open_memory(
            f"The journal {path} was written by a newer pyhall-tui ({error}); it is left as it is. "
            "History and events of this run are kept in memory only: update pyhall-tui to see it."
        )
    except sqlite3.DatabaseError as error:
        if is_damage(error):
            return begin_anew(path, connect)
        return open_memory(_only_memory(path, reason(error)))
    except OSError as error:
        return open_memory(_only_memory(path, error.strerror or str(error)))


def begin_anew(path: Path, connect: Connect = sqlite3.connect) -> JournalConnections:
    """Set a damaged file aside, under a name that the note shows, and start a new one."""
    aside = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}")
    try:
        path.replace(aside)
        for suffix in ("-wal", "-shm"):
            beside = path.with_name(path.name + suffix)
            if beside.exists():
                beside.replace(aside.with_name(aside.name + suffix))
        _prepare(path)
        opened = _open_modes(path, connect)
    except (OSError, sqlite3.Error, _Newer) as error:
        return open_memory(_only_memory(path, f"it is damaged and can't be set aside ({error})"))
    note = (
        f"The journal was damaged: it was set aside as {aside}, and a new one was started."
        " Nothing is known from before. Delete that file when you don't need it any more."
    )
    return opened._replace(notes=(note, *opened.notes))


def reason(error: Exception) -> str:
    """Return why SQLite can't, in words for an operator if we have some."""
    return _REASONS.get(code_of(error), str(error))


def _only_memory(path: Path, why: str) -> str:
    return (
        f"The journal {path} can't be used: {why}. "
        "History, events and last verdicts of this run are kept in memory only, and are gone when it ends."
    )


def _prepare(path: Path) -> None:
    """Make the folder and the file, only for this user."""
    if path.exists():
        require_regular(path.stat().st_mode, path)
    make_private_database(path)


def _open_modes(path: Path, connect: Connect) -> JournalConnections:
    """Open in the first journal mode that works; if none does, raise the first one's error."""
    errors: list[sqlite3.OperationalError] = []
    for mode in _MODES:
        try:
            return _open_patiently(path, mode, connect)
        except sqlite3.OperationalError as error:
            if code_of(error) in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_BUSY):
                raise
            errors.append(error)
    raise errors[0]


def _open_patiently(path: Path, mode: _Mode, connect: Connect) -> JournalConnections:
    """Try again while another program holds the file: two that start at once both set a new file's mode."""
    for tries_left in reversed(range(_TRIES)):
        try:
            return _open_in(path, mode, connect)
        except sqlite3.OperationalError as error:
            if code_of(error) != sqlite3.SQLITE_BUSY or not tries_left:
                raise
    raise AssertionError("unreachable")


def _open_in(path: Path, mode: _Mode, connect: Connect) -> JournalConnections:
    connections: list[sqlite3.Connection] = []
    try:
        write = _connection(path, connect, connections)
        journal = _ready(write, mode)
        read = _connection(path, connect, connections)
        read.execute("PRAGMA query_only=1")
        schema.version_of(read)
    except BaseException:
        for connection in connections:
            connection.close()
        raise
    return JournalConnections(write, read, False, () if journal == "wal" else (_without_wal(path, journal),))


def _connection(path: Path, connect: Connect, opened: list[sqlite3.Connection]) -> sqlite3.Connection:
    connection = connect(path, timeout=OPEN_PATIENCE, check_same_thread=False, isolation_level=None)
    opened.append(connection)
    return connection


def _ready(write: sqlite3.Connection, mode: _Mode) -> str:
    """Configure the file, migrate it to our version, and return the journal mode that it is really in."""
    if mode.alone:
        write.execute("PRAGMA locking_mode=EXCLUSIVE").fetchall()
    version = schema.version_of(write)
    if version > schema.VERSION:
        raise _Newer(f"its version is {version}, ours {schema.VERSION}")
    if version == 0:
        # How to free space can be chosen only while the file is still empty.
        write.execute("PRAGMA auto_vacuum=INCREMENTAL")
    (journal,) = write.execute(f"PRAGMA journal_mode={mode.journal}").fetchone()
    if mode.alone:
        write.execute("PRAGMA locking_mode=NORMAL").fetchall()
    write.execute("PRAGMA synchronous=NORMAL")
    write.execute("PRAGMA journal_size_limit=4194304").fetchall()
    try:
        schema.migrate(write)
    except sqlite3.OperationalError as error:
        # Another program is in the middle of a long write: we wait in the writer thread, not here.
        if code_of(error) != sqlite3.SQLITE_BUSY or version < schema.VERSION:
            raise
    return str(journal)


def _without_wal(path: Path, mode: str) -> str:
    return (
        f"The file system of {path} does not support SQLite's write-ahead log (it may be a network file system): "
        f"the journal uses mode {mode.upper()}, which is slower but otherwise the same."
    )
