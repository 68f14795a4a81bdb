"""Where a registry answers about a worker: at the documented address, or at that of the published local hall.

A local hall without `/api/v1` answers 404, often in HTML, to every worker. Then its own address is asked, if it is one.
All workers of a connection are asked at one address: once it has answered at the documented one, only there.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from pyhall_tui.clock import Clock
from pyhall_tui.registry.errors import (
    RateLimited,
    RegistryError,
    ServerError,
    TimedOut,
    Unreachable,
)
from pyhall_tui.registry.json_body import Unreadable, read_object
from pyhall_tui.registry.models import Verdict
from pyhall_tui.registry.verdicts import FOREIGN_404

API: Final = "/api/v1/verify/{}"
LOCAL: Final = "/wcp/registry/verify/{}"
LOCAL_BANS: Final = "/wcp/registry/ban-list"
"""Only asked whether it is there: it may be empty because the hall's upstream is down, so it clears nobody."""
AGAIN: Final = 600.0
"""Seconds until the address that was not there is tried again."""
_SOON: Final = 30.0
_FOR_NOW: Final = (TimedOut, Unreachable, ServerError, RateLimited)


class VerifyForm:
    """Asks about workers at the address that this registry has.

    Args:
        ask: asks about a worker at an address, again if that may help, or only once.
        is_hall: asks whether this is a local hall; raises `RegistryError` if it isn't, or can't be reached.
    """

    def __init__(
        self,
        ask: Callable[[str, str, bool], Awaitable[Verdict]],
        is_hall: Callable[[], Awaitable[object]],
        clock: Clock,
    ) -> None:
        self._ask, self._is_hall, self._clock = ask, is_hall, clock
        self._has_api = self._is_local = False
        self._again = float("-inf")
        self._deciding = asyncio.Lock()

    async def verify(self, worker_id: str, *, retry: bool) -> Verdict:
        """Ask about a worker.

        Raises:
            RegistryError: no usable answer came.
        """
        if self._is_local and self._clock.now().mono < self._again:
            return await self._ask(LOCAL, worker_id, retry)
        verdict = await self._ask(API, worker_id, retry)
        if FOREIGN_404 not in verdict.doubts:
            self._has_api, self._is_local = True, False
        elif await self._turns_local():
            return await self._ask(LOCAL, worker_id, retry)
        return verdict

    async def _turns_local(self) -> bool:
        """Whether to ask at the local hall's address, now that the documented one is not there."""
        if self._has_api:
            return False
        async with self._deciding:
            now = self._clock.now().mono
            if now >= self._again:
                self._again = now + AGAIN
                try:
                    await self._is_hall()
                    self._is_local = True
                except _FOR_NOW:
                    self._again = now + _SOON
                except RegistryError:
                    self._is_local = False
            return self._is_local


def read_local_bans(body: bytes) -> int:
    """Return how long a local hall's ban list is.

    Raises:
        Unreadable: it is not one.
    """
    hashes = read_object(body).get("hashes")
    if not isinstance(hashes, list):
        raise Unreadable("it is not a local hall's ban list")
    return len(hashes)
