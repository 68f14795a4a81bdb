"""Whether the hall is in service: `POST /api/server/go-online` and `go-offline` (contract, part 2).

Offline, it denies every dispatch, and answers everything else as before. That is noted in the store: it outlives a
restart, and all halls on the store follow.
"""

import asyncio
import sqlite3
from contextlib import suppress

from pyhall_tui.clock import Clock
from pyhall_tui.hall.errors import StoreError
from pyhall_tui.hall.store import Store

OFFLINE = "DENY_HALL_OFFLINE"  # ours: the contract has no code for it
_SETTING = "offline"
_LOOK = 0.5  # seconds between two looks at what another hall on the store has noted


def offline_since(store: Store) -> str | None:
    """Return since when the halls on a store are offline (ISO 8601 in UTC); None if they are online."""
    return store.setting(_SETTING) or None


class Service:
    """Whether a hall decides dispatches. `since` is when it went offline; None while it is online."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self.since = offline_since(store)

    @property
    def refusal(self) -> str | None:
        """Why every dispatch is denied now, as a sentence; None if it isn't."""
        return self.since and f"The hall has been offline since {self.since}: its operator took it out of service"

    async def go(self, *, online: bool) -> None:
        """Put the hall into service, or take it out of it. A second call changes nothing.

        Raises:
            StoreError: it can't be noted, and nothing has changed here.
        """
        since = None if online else (self.since or self._store.now())
        await self._store.change_beside(lambda store: store.set_setting(_SETTING, since or ""))
        self.since = since

    async def follow(self) -> None:
        """Notice what another hall on the store has noted, until cancelled."""
        while True:
            await self._clock.sleep(_LOOK)
            with suppress(StoreError, sqlite3.Error):  # what was known stays
                before = self.since
                noted = await asyncio.to_thread(lambda: offline_since(self._store.beside()))
                if self.since == before:  # otherwise this hall was told meanwhile
                    self.since = noted
