"""Notes in the store when keys were last used: of each key at most once a minute, beside the requests.

So a noted use is up to a minute old, and the last second before a hall ends may be missing.
"""

import asyncio
import sqlite3
from itertools import islice

from pyhall_tui.clock import Clock
from pyhall_tui.hall.errors import StoreError
from pyhall_tui.hall.store import Store

AGAIN = 60.0
"""Seconds for which further uses of a key are not noted."""
_PAUSE, _AFTER_A_FAULT = 1.0, 10.0  # seconds between two writes
_PIECE = 500  # keys in one write: about a millisecond
_MOST = 20_000  # keys that are remembered as noted; with more in use, some are noted sooner than after a minute


class KeyUses:
    """The uses of a hall's keys."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._noted: dict[str, float] = {}
        self._due: dict[str, float] = {}

    def used(self, key_id: str) -> None:
        """Remember that a key was just used; to be called on the loop."""
        now = self._clock.now()
        at = self._noted.get(key_id)
        if at is not None and now.mono - at < AGAIN:
            return
        self._noted.pop(key_id, None)
        self._noted[key_id] = now.mono
        self._due[key_id] = now.wall
        if len(self._noted) > _MOST:
            del self._noted[next(iter(self._noted))]

    async def keep(self) -> None:
        """Write what is due, until cancelled. What can't be written now is tried again later, and no request waits."""
        while True:
            await self._clock.sleep(_PAUSE)
            try:
                await self._write()
            except (StoreError, sqlite3.Error):  # it is reported by what needs the store
                await self._clock.sleep(_AFTER_A_FAULT)

    async def _write(self) -> None:
        while piece := dict(islice(self._due.items(), _PIECE)):
            await asyncio.to_thread(self._note, piece)
            for key_id, wall in piece.items():
                if self._due.get(key_id) == wall:  # otherwise it was used again meanwhile
                    del self._due[key_id]

    def _note(self, piece: dict[str, float]) -> None:
        self._store.beside().note_key_uses(piece)
