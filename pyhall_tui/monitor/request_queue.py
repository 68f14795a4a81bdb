"""Turns within the rate limit, for requests besides the sweep, such as a matrix of dispatches."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from pyhall_tui.clock import Clock
from pyhall_tui.registry.errors import RateLimited, StatusError

T = TypeVar("T")

LIMITED_WITHOUT_WORD = 5.0
"""Seconds to wait after a 429 that does not say how long."""
_LOOK_AGAIN = 0.02
"""Seconds until the next check when the most requests allowed are in flight."""


class Budget(Protocol):
    """What a queue needs from the rate limit (`RateLimiter`, or a `FairShare` of one that the sweep uses too)."""

    def wait(self, now: float) -> float | None: ...
    def take(self) -> None: ...
    def came_back(self) -> None: ...
    def limited(self, now: float, retry_after: float) -> None: ...


class RequestQueue:
    """Only one waiter at a time takes the next free request, in the order in which they came."""

    def __init__(self, budget: Budget, clock: Clock) -> None:
        self._budget = budget
        self._clock = clock
        self._turn = asyncio.Lock()
        self.waiting = 0
        """Requests that wait for their turn."""

    async def take(self, request: Callable[[], Awaitable[T]]) -> T:
        """Make a request when its turn comes. After a 429 or a 503, there are no turns for as long as it says.

        Raises:
            RegistryError: as the request raises it.
        """
        await self._wait()
        try:
            return await request()
        except StatusError as error:
            if isinstance(error, RateLimited) or error.retry_after:
                self._budget.limited(self._clock.now().mono, error.retry_after or LIMITED_WITHOUT_WORD)
            raise
        finally:
            self._budget.came_back()

    async def _wait(self) -> None:
        self.waiting += 1
        try:
            async with self._turn:
                while (wait := self._budget.wait(self._clock.now().mono)) != 0.0:
                    await self._clock.sleep(_LOOK_AGAIN if wait is None else wait)
                self._budget.take()
        finally:
            self.waiting -= 1
