"""The open file: who may use which connection when, and a new file if the old one turns out to be damaged."""

import logging
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from pyhall_tui.journal.open_file import Connect, begin_anew, code_of, is_damage, open_file, open_memory
from pyhall_tui.journal.turns import PATIENCE_MS

T = TypeVar("T")
_log = logging.getLogger(__name__)


class JournalFile:
    """Two connections, each with its own lock; in memory there is one, with both locks."""

    def __init__(self, path: Path | None, connect: Connect = sqlite3.connect) -> None:
        """Open `path`, or memory if it is None or can't be used; never raises because of a bad disk."""
        self.path = path
        self._connect = connect
        self._opened = open_memory() if path is None else open_file(path, connect)
        self._identity = _identity(path)
        self._write_lock = threading.RLock()
        self._read_lock = threading.RLock()
        self._be_patient()
        self._version = self._data_version()
        self._others_writes = 0
        self.damage_seen = False
        """A reader met a damaged page, so the writer thread starts a new file."""
        for note in self.notes:
            _log.warning("%s", note)

    @property
    def in_memory(self) -> bool:
        """Whether everything recorded is gone when the program ends."""
        return self._opened.in_memory

    @property
    def is_makeshift(self) -> bool:
        """Whether memory replaces a file that can't be used: what was stored before is inaccessible."""
        return self.path is not None and self.in_memory

    @property
    def is_in_place(self) -> bool:
        """Whether the open file is the one that other programs open now."""
        return self._identity == _identity(self.path)

    @property
    def set_aside(self) -> tuple[Path, ...]:
        """The damaged files that this run or an earlier one set aside, next to this one."""
        if self.path is None:
            return ()
        import glob  # not before the first frame

        found = self.path.parent.glob(f"{glob.escape(self.path.name)}.damaged-*")
        return tuple(sorted(each for each in found if not each.name.endswith(("-wal", "-shm"))))

    @property
    def fell_back(self) -> bool:
        """Whether it is in memory because the file can't be used."""
        return self._opened.in_memory and self.path is not None

    @property
    def notes(self) -> tuple[str, ...]:
        """What is wrong, in sentences."""
        return self._opened.notes

    def write(self, change: Callable[[sqlite3.Connection], None]) -> None:
        """Run `change` on the writing connection; if it raises, what it left open is rolled back.

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
        """Return the answer, or None if the file can't be read (which is logged, and noted for the writer)."""
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

    def others_writes(self) -> int:
        """Return a number that is greater than before if another program has written to the file. Never waits."""
        if not self._opened.in_memory and self._write_lock.acquire(blocking=False):
            try:
                before, self._version = self._version, self._data_version()
                self._others_writes += before != self._version
            finally:
                self._write_lock.release()
        return self._others_writes

    def _data_version(self) -> int | None:
        """Return a number that other programs' writes change; the reading connection would also notice our own."""
        try:
            return int(self._opened.write.execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.Error:
            return None

    def check(self, stop: Callable[[], bool]) -> None:
        """Check the whole file for damage in the background, until `stop()` returns true.

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
        """Set the damaged file aside and continue with a new one, or with the one that another program started."""
        self.damage_seen = False
        if self.path is None:
            return
        with self._write_lock, self._read_lock:
            self._opened.close()
            is_ours = self._identity == _identity(self.path)
            self._opened = (begin_anew if is_ours else open_file)(self.path, self._connect)
            self._be_patient()
            self._identity = _identity(self.path)
        for note in self.notes:
            _log.warning("%s", note)

    def close(self) -> None:
        """Close the file; later reads return None."""
        with self._write_lock, self._read_lock:
            self._opened.close()

    def _be_patient(self) -> None:
        """Let the writer wait for another program's transaction; a reader never waits that long."""
        with suppress(sqlite3.Error):
            self._opened.write.execute(f"PRAGMA busy_timeout={PATIENCE_MS}")


def _identity(path: Path | None) -> tuple[int, int] | None:
    """Return what distinguishes this file from a later one of the same name; None if it does not exist."""
    try:
        found = path.stat() if path else None
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if found else None
