"""A clock that only a test moves: a minute of polling passes in milliseconds, without a sleep."""

import asyncio
import heapq
import itertools
import threading
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from pyhall_tui.clock import Moment


class _Sleeper(NamedTuple):
    due: float
    order: int
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[None]


class ManualClock:
    """A `Clock` whose time stands still until a test moves it; its sleepers may be on any thread's loop."""

    def __init__(self, mono: float = 1_000.0, wall: float = 1_774_000_000.0) -> None:
        self._mono = mono
        self._wall = wall
        self._order = itertools.count()
        self._sleepers: list[_Sleeper] = []
        self._lock = threading.Lock()

    def now(self) -> Moment:
        return Moment(self._mono, self._wall)

    @property
    def asleep(self) -> int:
        """How many sleep now."""
        with self._lock:
            return sum(not sleeper.future.done() for sleeper in self._sleepers)

    async def sleep(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._lock:
            due = self._mono + max(0.0, seconds)
            heapq.heappush(self._sleepers, _Sleeper(due, next(self._order), loop, future))
        await future

    def jump_wall(self, seconds: float) -> None:
        """Set the wall clock forward or back, as a person or NTP would; `mono` stays."""
        self._wall += seconds

    def skip(self, seconds: float) -> None:
        """Let time pass, then wake all whose time has come (a machine that was asleep)."""
        self._pass(self._mono + seconds)
        while sleeper := self._next_due(self._mono):
            self._wake(sleeper)

    async def advance(self, seconds: float, until_quiet: Callable[[], Awaitable[None]] | None = None) -> None:
        """Let that much time pass, waking each sleeper at its own time, in order.

        `until_quiet` is awaited after each: it waits, in real time, for what is under way on a real socket.
        """
        quiet = until_quiet or settle
        end = self._mono + seconds
        await quiet()
        while sleeper := self._next_due(end):
            self._pass(max(self._mono, sleeper.due))
            self._wake(sleeper)
            await quiet()
        self._pass(max(self._mono, end))
        await quiet()

    def _next_due(self, end: float) -> _Sleeper | None:
        with self._lock:
            if self._sleepers and self._sleepers[0].due <= end:
                return heapq.heappop(self._sleepers)
            return None

    def _pass(self, mono: float) -> None:
        self._wall += mono - self._mono
        self._mono = mono

    @staticmethod
    def _wake(sleeper: _Sleeper) -> None:
        def wake() -> None:
            if not sleeper.future.done():
                sleeper.future.set_result(None)

        if not sleeper.loop.is_closed():
            sleeper.loop.call_soon_threadsafe(wake)


async def settle(rounds: int = 25) -> None:
    """Let every task of this loop that can run do so."""
    for _ in range(rounds):
        await asyncio.sleep(0)
