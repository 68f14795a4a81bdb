"""Work that is done in the order in which it was asked for, and to its end, even if whoever asked has gone."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_log = logging.getLogger(__name__)


class InTurn:
    """One piece of work at a time; the next one waits. Belongs to one loop."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def is_busy(self) -> bool:
        """Whether work is under way or waiting."""
        return bool(self._tasks)

    async def do(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Do this after everything that was asked for before. Cancelling the wait does not stop the work."""
        return await asyncio.shield(self.begin(work))

    def begin(self, work: Callable[[], Coroutine[Any, Any, T]]) -> asyncio.Task[T]:
        """Do this as `do` does, and don't wait for it: `wait` does, even if the next thing you do is to end."""
        task = asyncio.create_task(self._take_turn(work))
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    async def wait(self, patience: float) -> None:
        """Wait until everything is done, so many seconds at most."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=patience)

    async def _take_turn(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        async with self._turn:
            return await work()

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a change of the lists failed", exc_info=error)
