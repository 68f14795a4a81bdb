"""A clock that only a test moves: a minute of polling passes in milliseconds, without a sleep."""

import asyncio
import heapq
import itertools

from pyhall_tui.clock import Moment


class ManualClock:
    """A `Clock` whose time stands still until `advance` is awaited."""

    def __init__(self, mono: float = 1_000.0, wall: float = 1_774_000_000.0) -> None:
        self._mono = mono
        self._wall = wall
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> Moment:
        return Moment(self._mono, self._wall)

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._mono + max(0.0, seconds), next(self._order), future))
        await future

    def jump_wall(self, seconds: float) -> None:
        """Set the wall clock forward or back, as a person or NTP would; `mono` stays."""
        self._wall += seconds

    def skip(self, seconds: float) -> None:
        """Let time pass at once without waking sleepers in between (a machine that was asleep)."""
        self._mono += seconds
        self._wall += seconds

    async def advance(self, seconds: float) -> None:
        """Let that much time pass, waking each sleeper at its own time, in order."""
        end = self._mono + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, future = heapq.heappop(self._sleepers)
            step = max(0.0, due - self._mono)
            self._mono += step
            self._wall += step
            if not future.done():
                future.set_result(None)
            await settle()
        self._wall += max(0.0, end - self._mono)
        self._mono = max(self._mono, end)
        await settle()


async def settle(rounds: int = 25) -> None:
    """Let every task that can run do so."""
    for _ in range(rounds):
        await asyncio.sleep(0)
