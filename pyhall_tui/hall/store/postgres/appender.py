"""Appends to the log in a thread and on a connection of its own, so that no event loop waits for the server's disk."""

import asyncio
import queue
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from pyhall_tui.hall.errors import StoreLost
from pyhall_tui.hall.store.postgres.connection import Connection, Place
from pyhall_tui.hall.store.postgres.prepared import Prepared, Value, array
from pyhall_tui.hall.store.postgres.receipts import columns_of
from pyhall_tui.hall.store.protocol import Batch

_TYPES = ("bigint", *["text[]"] * 7, "float8[]", "float8[]", "bytea[]")
_PARTS = "SELECT stale, last, revised FROM append_decisions({})"
_APPEND = _PARTS.format(", ".join(f"%s::{each}" for each in _TYPES))
_APPEND_FAST = _PARTS.format(", ".join(f"${number}::{each}" for number, each in enumerate(_TYPES, start=1)))


class Appended(NamedTuple):
    """What `append_decisions` answered; `last` and `revision` are those of the log's head now."""

    is_stale: bool
    last: int
    revision: int


class Append:
    """Calls `append_decisions`, the only writer of new rows, on one connection."""

    def __init__(self, db: Connection) -> None:
        self._db, self._fast = db, Prepared(_APPEND_FAST)

    def __call__(self, judged_by: int | None, batch: Batch) -> Appended:
        """Append in one round trip, unless another revision than `judged_by` is the newest by now.

        Raises:
            StoreError: it could not be written. If the server was lost, nobody knows whether it was.
        """
        if judged_by is None or self._db.is_pooled:
            (found,) = self._db.read(
                _APPEND, judged_by, list(batch.receipts), *_columns(batch.receipts), *_rates(batch)
            )
            return Appended(bool(found[0]), found[1], found[2])
        stale, last, revised = self._db.run(self._fast, [b"%d" % judged_by, *_as_text(batch)])
        return Appended(stale == b"t", int(last or 0), int(revised or 0))


def _columns(receipts: Sequence[str]) -> list[list[Any]]:
    return [list(column) for column in zip(*map(columns_of, receipts), strict=True)] or [[]] * 4


def _rates(batch: Batch) -> list[list[Any]]:
    return [list(column) for column in zip(*(each[:5] for each in batch.rates), strict=True)] or [[]] * 5


_NO_RATES: list[Value] = [b"{}"] * 5


def _as_text(batch: Batch) -> list[Value]:
    """Return a batch as PostgreSQL writes arrays."""
    values: list[Value] = [array(column) for column in (batch.receipts, *_columns(batch.receipts))]
    if not batch.rates:
        return values + _NO_RATES
    rules, workers, monos, walls, alloweds = _rates(batch)
    numbers = [array([repr(number) for number in column]) for column in (monos, walls)]
    return [*values, array(rules), array(workers), *numbers, array([f"\\x{each.hex()}" for each in alloweds])]


class Appender:
    """Appends for an event loop, one batch after the other.

    Its connection leads to the same server as the store's, and they are lost together: a revision of one server is
    never compared with one of another.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db
        self._own: Connection | None = None
        self._append: Append | None = None
        self._at: Place | None = None
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    async def append(self, place: Place, judged_by: int, batch: Batch) -> Appended:
        """As `Append`. `place` is where the store's connection led to when it was judged.

        Raises:
            StoreError: it could not be written. If the server was lost, nobody knows whether it was.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="hall's log", daemon=True)
            self._thread.start()
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Appended] = loop.create_future()
        self._jobs.put(_Job(loop, done, place, judged_by, batch))
        return await done

    def close(self) -> None:
        """End the thread, after what is under way, and its connection."""
        if self._thread is not None:
            self._jobs.put(None)

    # On its thread

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                outcome: Appended | Exception = self._appended(job)
            except Exception as error:
                outcome = error
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                job.loop.call_soon_threadsafe(_settle, job.done, outcome)
        self._drop()

    def _appended(self, job: "_Job") -> Appended:
        try:
            return self._usable(job.place)(job.judged_by, job.batch)
        except StoreLost as error:
            self._drop()
            self._db.lose(str(error))
            raise

    def _usable(self, place: Place) -> Append:
        if self._append is None or self._at != place:
            self._drop()
            self._own = self._db.another(place)
            self._append, self._at = Append(self._own), place
        return self._append

    def _drop(self) -> None:
        own, self._own, self._append = self._own, None, None
        if own is not None:
            own.close()


class _Job(NamedTuple):
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[Appended]
    place: Place
    judged_by: int
    batch: Batch


def _settle(done: asyncio.Future[Appended], outcome: Appended | Exception) -> None:
    if done.done():  # its caller is gone
        return
    if isinstance(outcome, Exception):
        done.set_exception(outcome)
    else:
        done.set_result(outcome)
