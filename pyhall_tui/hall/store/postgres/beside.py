"""Work for an event loop in a thread and on a connection of its own, so that the loop never waits for the server."""

import asyncio
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

from pyhall_tui.hall.errors import StoreLost
from pyhall_tui.hall.store.postgres.connection import Connection, Place

T = TypeVar("T")


class Beside:
    """Does one piece of work after the other.

    Its connection leads to the same server as the store's, and they are lost together: a revision of one server is
    never compared with one of another.
    """

    def __init__(self, db: Connection, name: str) -> None:
        self._db, self._name = db, name
        self._own: Connection | None = None
        self._at: Place | None = None
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    async def run(self, place: Place, work: Callable[[Connection], T]) -> T:
        """Return what `work` does on the connection. `place` is where the store's led to when it was asked for.

        Raises:
            StoreError: it failed. If the server was lost, nobody knows whether it was done.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._jobs.put(_Job(loop, done, place, work))
        return await done

    def close(self) -> None:
        """End the thread, after what is under way, and its connection."""
        if self._thread is not None:
            self._jobs.put(None)

    # On its thread

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            outcome: Any
            try:
                outcome = self._done(job)
            except Exception as error:
                outcome = error
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                job.loop.call_soon_threadsafe(_settle, job.done, outcome)
        self._drop()

    def _done(self, job: "_Job") -> Any:
        try:
            return job.work(self._usable(job.place))
        except StoreLost as error:
            self._drop()
            self._db.lose(str(error))
            raise

    def _usable(self, place: Place) -> Connection:
        if self._own is None or self._at != place:
            self._drop()
            self._own, self._at = self._db.another(place), place
        return self._own

    def _drop(self) -> None:
        own, self._own = self._own, None
        if own is not None:
            own.close()


class _Job(NamedTuple):
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[Any]
    place: Place
    work: Callable[[Connection], Any]


def _settle(done: asyncio.Future[Any], outcome: Any) -> None:
    if done.done():  # its caller is gone
        return
    if isinstance(outcome, Exception):
        done.set_exception(outcome)
    else:
        done.set_result(outcome)
