"""Turns within the rate limit, for requests besides the sweep, such as a matrix of dispatches."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from pyhall_tui.clock import Clock
from pyhall_tui.monitor.rate_limiter import RateLimiter
from pyhall_tui.registry.errors import RateLimited, StatusError

T = TypeVar("T")

LIMITED_WITHOUT_WORD = 5.0
"""Seconds to wait after a 429 that does not say how long."""
_LOOK_AGAIN = 0.02
"""Seconds until the next check when the most requests allowed are in flight."""


class RequestQueue:
    """Only one waiter at a time takes the next free request, so that many waiters never starve the sweep."""

    def __init__(self, budget: RateLimiter, clock: Clock) -> None:
        self._budget = budget
        self._clock = clock
        self._turn = asyncio.Lock()

    async def take(self, request: Callable[[], Awaitable[T]]) -> T:
        """Make a request when its turn comes. After a 429 or a 503, there are no turns for as long as it says.

        Raises:
            RegistryError: as the request raises it.
        """
        async with self._turn:
            while (wait := self._budget.wait(self._clock.now().mono)) != 0.0:
                await self._clock.sleep(_LOOK_AGAIN if wait is None else wait)
            self._budget.take()
        try:
            return await request()
        except StatusError as error:
            if isinstance(error, RateLimited) or error.retry_after:
                self._budget.limited(self._clock.now().mono, error.retry_after or LIMITED_WITHOUT_WORD)
            raise
        finally:
            self._budget.came_back()
