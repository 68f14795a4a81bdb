"""The open file: who may use which connection when, and a new file where the old one turns out to be damaged."""

import glob
import logging
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from pyhall_tui.journal.open_file import Connect, begin_anew, code_of, is_damage, open_file, open_memory

T = TypeVar("T")
_log = logging.getLogger(__name__)

_WRITER_PATIENCE_MS = 2_000


class Store:
    """Two connections, each under its own lock; in memory there is one, under both locks."""

    def __init__(self, path: Path | None, connect: Connect = sqlite3.connect) -> None:
        """Open `path`, or memory where it is None or can't be used; never raises for a bad disk."""
        self._path = path
        self._connect = connect
        self._opened = open_memory() if path is None else open_file(path, connect)
        self._identity = _identity(path)
        self._write_lock = threading.RLock()
        self._read_lock = threading.RLock()
        self._be_patient()
        self._version = self._data_version()
        self.damage_seen = False
        """A reader met a damaged page: the writer thread begins anew."""
        for note in self.notes:
            _log.warning("%s", note)

    @property
    def in_memory(self) -> bool:
        """Whether what is recorded is gone at the end."""
        return self._opened.in_memory

    @property
    def is_makeshift(self) -> bool:
        """Whether a file was wanted and memory stands in for it: what was kept before is out of reach."""
        return self._path is not None and self.in_memory

    @property
    def set_aside(self) -> tuple[Path, ...]:
        """The files that were damaged and lie beside this one now, in this run or an earlier one."""
        if self._path is None:
            return ()
        found = self._path.parent.glob(f"{glob.escape(self._path.name)}.damaged-*")
        return tuple(sorted(each for each in found if not each.name.endswith(("-wal", "-shm"))))

    @property
    def fell_back(self) -> bool:
        """Whether it is in memory because the file can't be used."""
        return self._opened.in_memory and self._path is not None

    @property
    def notes(self) -> tuple[str, ...]:
        """What is not as it should be, in sentences."""
        return self._opened.notes

    def write(self, change: Callable[[sqlite3.Connection], None]) -> None:
        """Run `change` on the writing connection; what it left open is rolled back where it raises.

        Raises:
            sqlite3.Error: the file can't be written.
        """
        with self._write_lock:
            connection = self._opened.write
            try:
                change(connection)
            except BaseException:
                with suppress(sqlite3.Error):
                    connection.rollback()
                raise

    def read(self, question: Callable[[sqlite3.Connection], T]) -> T | None:
        """Return the answer, or None where the file can't be read (it is logged, and told to the writer)."""
        with self._read_lock:
            try:
                if self._opened.in_memory:
                    with self._write_lock:
                        return question(self._opened.read)
                return question(self._opened.read)
            except sqlite3.Error as error:
                _log.warning("The journal can't be read: %s", error)
                self.damage_seen = self.damage_seen or is_damage(error)
                return None

    def others_wrote(self) -> bool:
        """Whether another program has written to the file since this was last asked. Never waits."""
        if self._opened.in_memory or not self._write_lock.acquire(blocking=False):
            return False
        try:
            before, self._version = self._version, self._data_version()
            return before != self._version
        finally:
            self._write_lock.release()

    def _data_version(self) -> int | None:
        """Return a number that another connection's writes change; the reading one would see our own too."""
        try:
            return int(self._opened.write.execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.Error:
            return None

    def check(self, stop: Callable[[], bool]) -> None:
        """Look through the whole file for damage, in the background and only until `stop()` says so.

        Raises:
            sqlite3.Error: it is damaged or can't be read.
        """
        if self._opened.in_memory:
            return
        with self._write_lock:
            connection = self._opened.write
            connection.set_progress_handler(stop, 20_000)
            try:
                (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            except sqlite3.OperationalError as error:
                if code_of(error) != sqlite3.SQLITE_INTERRUPT:
                    raise
            else:
                self.damage_seen = self.damage_seen or answer != "ok"
            finally:
                connection.set_progress_handler(None, 0)

    def begin_anew(self) -> None:
        """Set the damaged file aside and go on with a new one; or with the new one that another program has begun."""
        self.damage_seen = False
        if self._path is None:
            return
        with self._write_lock, self._read_lock:
            self._opened.close()
            is_ours = self._identity == _identity(self._path)
            self._opened = (begin_anew if is_ours else open_file)(self._path, self._connect)
            self._be_patient()
            self._identity = _identity(self._path)
        for note in self.notes:
            _log.warning("%s", note)

    def close(self) -> None:
        """Close the file; later reads answer None."""
        with self._write_lock, self._read_lock:
            self._opened.close()

    def _be_patient(self) -> None:
        """The writer may wait for another program's transaction; a reader never waits that long."""
        with suppress(sqlite3.Error):
            self._opened.write.execute(f"PRAGMA busy_timeout={_WRITER_PATIENCE_MS}")


def _identity(path: Path | None) -> tuple[int, int] | None:
    """Return what tells this file from a later one of the same name; None where there is none."""
    try:
        found = path.stat() if path else None
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if found else None
