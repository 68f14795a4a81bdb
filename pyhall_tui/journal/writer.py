"""The one thread that writes: callers put work on its queue and continue."""

import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple

from pyhall_tui.clock import Clock
from pyhall_tui.journal import statements
from pyhall_tui.journal.batches import Row, Values, Work, concerns_all, prepare, write_together
from pyhall_tui.journal.connections import JournalFile
from pyhall_tui.journal.last_verdict import LastVerdict
from pyhall_tui.journal.open_file import is_damage, reason
from pyhall_tui.journal.retention import Retention, tidy
from pyhall_tui.journal.turns import begin

_log = logging.getLogger(__name__)

PACE = 0.5
"""Seconds from one transaction's beginning to the next one's: about how much a `kill -9` may lose."""
_LEAST = 0.2
"""The least part of it between two transactions, however long they take."""
_CHECKED_AFTER = 1.0
"""Seconds after the start at which the file is looked through for damage, if nothing is to be written before."""
_SLOWEST = 5.0
"""Seconds between two attempts while the disk refuses."""
_LAST_TRIES = 0.05
"""The same while the program is ending."""
_CROWD = 2_000
"""With this many rows waiting, the writer doesn't wait for more."""
MOST_WAITING = 20_000
"""Rows held while the disk refuses them, ten times as many while it is only slow. Beyond that the oldest are lost, and
counted."""
_TIDY_EVERY = 600.0
_TIDY_ROWS = 5_000


class _Item(NamedTuple):
    work: Work
    on_commit: Callable[[], None] | None = None

    @property
    def is_awaited(self) -> bool:
        """Whether somebody waits until it is on disk."""
        return self.on_commit is not None

    @property
    def kind(self) -> object:
        """Equal for rows that can be written together; None for work that is done by itself."""
        return self.work.write if isinstance(self.work, Row) else None


class _Taken(NamedTuple):
    """What one transaction writes."""

    items: list[_Item]
    verdicts: dict[tuple[str, str], Row[Any]]
    mark: int
    """How much had been queued when it was taken."""


class _Written(NamedTuple):
    """What one transaction has written."""

    taken: _Taken
    committed: list[_Item]


class Writer:
    """A daemon thread, a queue, and one transaction every `PACE` seconds while there is something to write."""

    def __init__(self, store: JournalFile, clock: Clock, retention: Retention, pace: float = PACE) -> None:
        self._store = store
        self._clock = clock
        self._retention = retention
        self._pace = pace
        self._condition = threading.Condition()
        self._items: deque[_Item] = deque()
        self._verdicts: dict[tuple[str, str], Row[Any]] = {}
        self._fresh: list[Row[Any]] = []
        """What was queued since rows were last prepared."""
        self._put = 0
        self._done = 0
        self._hurry = False
        self._closing = False
        self._give_up = float("inf")
        self._trouble = ""
        self._lost = 0
        self._unwritable = 0
        self._since_tidy = 0
        self._tidied = float("-inf")
        self.checked = threading.Event()
        """The file was checked for damage, and set aside if it was damaged."""
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    @property
    def trouble(self) -> str:
        """Why nothing is being stored at the moment, as a sentence; empty if it is stored."""
        if self._trouble or self._closing or self._thread.is_alive():
            return self._trouble
        return "The journal is no longer written: its thread has ended. Start the program again; the log says why."

    @property
    def notes(self) -> tuple[str, ...]:
        """What is wrong with writing at the moment, and what was lost because of it, in sentences."""
        notes = [self.trouble] if self.trouble else []
        if self._lost:
            notes.append(f"The journal lost {_rows(self._lost)}: it could not be written for too long.")
        if self._unwritable:
            notes.append(f"{_rows(self._unwritable)} could not be written to the journal unchanged; the log says why.")
        return tuple(notes)

    def put(self, work: Work, on_commit: Callable[[], None] | None = None) -> None:
        """Queue some work; `on_commit` makes the writer hurry, and is called in its thread once the work is on disk."""
        with self._condition:
            if self._closing:
                return
            is_first = not self._items
            self._items.append(_Item(work, on_commit))
            if isinstance(work, Row):
                self._fresh.append(work)
            self._hurry = self._hurry or on_commit is not None
            self._note_put(is_first or self._hurry)

    def put_verdict(self, profile: str, worker_id: str, row: LastVerdict | None) -> None:
        """Queue a worker's last verdict, None to forget it; only the newest of a transaction is written."""
        with self._condition:
            if self._closing:
                return
            is_first = not self._verdicts
            queued = self._verdict(profile, worker_id, row)
            self._verdicts[(profile, worker_id)] = queued
            self._fresh.append(queued)
            self._note_put(is_first)

    def flush(self, timeout: float) -> bool:
        """Write the queue at once; return whether it was written within `timeout` seconds."""
        with self._condition:
            mark = self._put
            if self._done >= mark:
                return True
            self._hurry = True
            self._condition.notify_all()
            return self._condition.wait_for(lambda: self._done >= mark, timeout)

    def wake(self) -> None:
        """Make the thread check the store again."""
        with self._condition:
            self._hurry = True
            self._condition.notify_all()

    @property
    def is_troubled(self) -> bool:
        """Whether the last attempt to write failed, so waiting is useless."""
        return bool(self.trouble)

    def close(self, timeout: float) -> bool:
        """Write the queue, end the thread and close the file; return whether all of that was done in time."""
        with self._condition:
            self._closing = True
            self._give_up = time.monotonic() + timeout
            self._condition.notify_all()
        self._thread.join(timeout + 0.5)
        return not self._thread.is_alive() and self._done >= self._put

    def _verdict(self, profile: str, worker_id: str, row: LastVerdict | None) -> Row[Any]:
        if row is None:
            return Row(lambda: (profile, worker_id), statements.delete_verdicts)
        return Row(partial(statements.verdict, profile, row), self._upsert_verdicts)

    def _upsert_verdicts(self, connection: sqlite3.Connection, rows: Sequence[Values]) -> None:
        statements.upsert_verdicts(connection, rows, self._clock.now().wall)

    def _note_put(self, is_news: bool) -> None:
        """Count, enforce the limit, and wake the thread if it doesn't know about the work yet. Needs the lock."""
        self._put += 1
        waiting = len(self._items)
        if waiting > (MOST_WAITING if self._trouble else 10 * MOST_WAITING):
            self._items.popleft()
            self._lost += 1
        if waiting == _CROWD:
            self._hurry = is_news = True
        if is_news:
            self._condition.notify_all()

    def _has_work(self) -> bool:
        return bool(self._items or self._verdicts or self._closing or self._store.damage_seen)

    # --- in the thread ---

    def _run(self) -> None:
        with self._condition:  # to look through a large file takes a processor that the first frame needs
            self._condition.wait_for(lambda: self._hurry or self._has_work(), _CHECKED_AFTER)
        begun = time.monotonic()
        self._attempt(lambda: self._store.check(lambda: self._closing))
        if self._store.damage_seen:
            self._store.begin_anew()
        self.checked.set()
        wait = self._until_next(begun)
        while not (self._closing and (self._done >= self._put or time.monotonic() > self._give_up)):
            self._collect(wait)
            begun = time.monotonic()
            if self._attempt(self._keep):
                wait = self._until_next(begun)
                self._tidy_now_and_then()
            else:
                wait = min(_SLOWEST, max(wait, self._pace) * 2)
                if self._closing:
                    time.sleep(_LAST_TRIES)
        self._store.close()

    def _until_next(self, begun: float) -> float:
        """Return how long to collect if the last transaction began then: the next one may take as long again."""
        return max(self._pace - (time.monotonic() - begun), _LEAST * self._pace)

    def _collect(self, wait: float) -> None:
        """Wait for work, and collect for `wait` seconds unless hurried."""
        with self._condition:
            self._condition.wait_for(self._has_work)
        _load_what_writing_needs()
        with self._condition:
            self._condition.wait_for(lambda: self._hurry or self._closing, wait)
            self._hurry = False

    def _take(self) -> _Taken:
        with self._condition:
            self._hurry = False
            taken = _Taken(list(self._items), self._verdicts, self._put)
            self._items.clear()
            self._verdicts = {}
            return taken

    def _attempt(self, work: Callable[[], None]) -> bool:
        """Do the work and return whether it succeeded; a damaged file is set aside for the next attempt."""
        try:
            work()
        except sqlite3.Error as error:
            if is_damage(error):
                self._store.damage_seen = True
            if not self._closing or not isinstance(error, sqlite3.OperationalError):
                _log.warning("The journal can't be written: %s", error)
            self._trouble = (
                f"The journal can't be written: {reason(error)}. The program continues and tries again; "
                "what is not written when it ends is lost."
            )
            return False
        except Exception as error:
            _log.exception("The journal's writer failed")
            self._trouble = (
                f"The journal is not written, because of a bug in this program: {type(error).__name__}: {error}. "
                "It tries again; what is not written when it ends is lost."
            )
            return False
        self._trouble = ""
        return True

    def _keep(self) -> None:
        if self._store.damage_seen:
            self._store.begin_anew()
        written: list[_Written] = []
        self._store.write(lambda connection: written.append(self._transaction(connection)))
        for taken, committed in written:
            for item in committed:
                if item.on_commit is not None:
                    item.on_commit()
            self._tell_done(taken)
            self._since_tidy += len(taken.items) + len(taken.verdicts)

    def _transaction(self, connection: sqlite3.Connection) -> _Written:
        """Write everything that waits when it is our turn: with several programs on the file, that may take a while."""
        taken = self._begin(connection)
        try:
            committed, bad = self._write(taken, connection)
            connection.execute("COMMIT")
        except BaseException:
            self._put_back(taken)
            raise
        self._unwritable += bad
        return _Written(taken, committed)

    def _begin(self, connection: sqlite3.Connection) -> _Taken:
        while True:
            with self._condition:
                is_safe = any(item.is_awaited for item in self._items)
            # If somebody waits for it, it has to survive a power cut, not only the end of this program.
            connection.execute(f"PRAGMA synchronous={'FULL' if is_safe else 'NORMAL'}")
            begin(connection, self._prepare)
            taken = self._take()
            if is_safe or not any(item.is_awaited for item in taken.items):
                return taken
            self._put_back(taken)  # the one that is awaited came only just now
            connection.rollback()

    def _prepare(self) -> None:
        """Do what can be done before the transaction with what waits for it."""
        with self._condition:
            fresh, self._fresh = self._fresh, []
        prepare(fresh)

    def _write(self, taken: _Taken, connection: sqlite3.Connection) -> tuple[list[_Item], int]:
        """Write the rows; return the items that were written, and how many rows can't be."""
        if taken.verdicts:
            statements.begin_verdicts(connection)
        # Before the rest, so that a profile's new name comes to those that were queued under the old one.
        verdicts = [_Item(row) for row in taken.verdicts.values()]
        bad = len(verdicts) - len(_written(verdicts, connection))
        committed = _written(taken.items, connection)
        return committed, bad + len(taken.items) - len(committed)

    def _tell_done(self, taken: _Taken) -> None:
        with self._condition:
            self._done = taken.mark
            self._condition.notify_all()

    def _put_back(self, taken: _Taken) -> None:
        """Queue again what was not written, before what came meanwhile, within the limit."""
        with self._condition:
            self._items.extendleft(reversed(taken.items))
            self._verdicts = {**taken.verdicts, **self._verdicts}
            surplus = max(0, len(self._items) - MOST_WAITING)
            for _ in range(surplus):
                self._items.popleft()
            self._lost += surplus

    def _tidy_now_and_then(self) -> None:
        now = time.monotonic()
        if self._closing or (self._since_tidy < _TIDY_ROWS and now - self._tidied < _TIDY_EVERY):
            return
        self._since_tidy = 0
        self._tidied = now
        wall = self._clock.now().wall
        self._attempt(lambda: self._store.write(lambda connection: tidy(connection, self._retention, wall)))


def _load_what_writing_needs() -> None:
    """Import it before the first transaction: other programs would wait for it too."""
    import hashlib  # noqa: F401 (the ids of alarms)

    import pyhall_tui.logs.masking  # noqa: F401


def _written(items: Iterable[_Item], connection: sqlite3.Connection) -> list[_Item]:
    """Write items in order, rows of one kind together; return those that were written."""
    written: list[_Item] = []
    for _, of_a_kind in groupby(items, key=lambda item: item.kind):
        some = list(of_a_kind)
        rows = [item.work for item in some if isinstance(item.work, Row)]
        if len(rows) > 1 and write_together(connection, rows):
            written += some
        else:
            written += [item for item in some if _is_written(item.work, connection)]
    return written


def _is_written(work: Work, connection: sqlite3.Connection) -> bool:
    """Write one row; if it can't be written as it is, the others are not held up."""
    try:
        work(connection)
    except Exception as error:
        if concerns_all(error):
            raise
        _log.warning("A row can't be kept in the journal: %s: %s", type(error).__name__, error)
        return False
    return True


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"
