"""One watcher a profile: it holds a lease in the journal, and the next one stands by until that is free or stale."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final, TypeVar

from pyhall_tui.clock import Clock
from pyhall_tui.journal.watchers import BEAT, STALE, Holder, Watchers, has_ended, this_program
from pyhall_tui.threads.off_loop import off_loop

T = TypeVar("T")

_TRUSTED: Final = 5.0
"""Seconds after the last sign of life in which the holder sends: fewer than `STALE`, so that two never send at once."""
_SOONEST: Final = 0.5
"""Seconds after one from which on the next may come early, to publish something new."""
_FAREWELL: Final = 0.3
"""Seconds that giving it up may take: the end must not wait for a locked journal."""
_LOOK: Final = 1.0
"""Seconds between two looks of the one that stands by."""

_log = logging.getLogger(__name__)


class LeaseLost(Exception):
    """Another program watches the profile now: this one was suspended for too long."""


class Lease:
    """The lease of one profile. Belongs to the loop."""

    def __init__(self, watchers: Watchers, profile: str, clock: Clock) -> None:
        """Hold nothing yet."""
        self._watchers, self._profile, self._clock = watchers, profile, clock
        self._token = ""
        self._trusted_until = 0.0
        self._news = asyncio.Event()

    @property
    def is_held(self) -> bool:
        """Whether this program may send: it holds the lease, and was not suspended since it last made sure."""
        return bool(self._token) and self._clock.now().mono < self._trusted_until

    async def acquire(self, stand_by: Callable[[Holder], None]) -> None:
        """Wait until this program holds the lease. `stand_by` is called with each other one that holds it."""
        seen: Holder | None = None
        since, told = 0.0, ""
        while not await self._try_to_take(seen if seen and self._clock.now().mono - since >= STALE else None):
            holder = await self._ask(lambda: self._watchers.holder(self._profile), seen)
            if holder != seen:
                seen, since = holder, self._clock.now().mono
            if holder is not None and holder.token != told:
                told = holder.token
                stand_by(holder)
            await self._clock.sleep(_LOOK)

    async def keep(self, published: Callable[[], bytes] = bytes) -> None:
        """Show that this program lives, and publish what it knows, until cancelled.

        Raises:
            LeaseLost: another one has the lease.
        """
        while True:
            await self._pause()
            asked = self._clock.now().mono
            beat = partial(self._watchers.beat, self._profile, self._token, published())
            # A journal that can't be written can't be taken by another program either.
            if self._watchers.can_be_held and not await self._ask(beat, True) and not await self._take_again():
                self._token = ""
                raise LeaseLost
            self._trusted_until = asked + _TRUSTED

    def publish_soon(self) -> None:
        """Publish before the next beat: something has changed."""
        self._news.set()

    async def _pause(self) -> None:
        await self._clock.sleep(_SOONEST)
        waits = (asyncio.ensure_future(self._clock.sleep(BEAT - _SOONEST)), asyncio.ensure_future(self._news.wait()))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
        self._news.clear()

    async def leave(self) -> None:
        """Give it up, so that the next one need not wait."""
        token, self._token = self._token, ""
        if token and self._watchers.can_be_held:
            with suppress(TimeoutError):  # the next one notices by itself
                async with asyncio.timeout(_FAREWELL):
                    await self._ask(partial(self._watchers.leave, self._profile, token), None)

    async def _try_to_take(self, stale: Holder | None) -> bool:
        """Take it if it is free, or held by what is `stale` or has ended; in memory there are no others."""
        asked, mine = self._clock.now().mono, this_program()
        if self._watchers.can_be_held:
            holder = await self._ask(lambda: self._watchers.holder(self._profile), stale)
            if holder is not None and holder != stale and not has_ended(holder):
                return False
            if not await self._ask(partial(self._watchers.take, self._profile, mine, holder), True):
                return False
        self._token, self._trusted_until = mine.token, asked + _TRUSTED
        return True

    async def _take_again(self) -> bool:
        """Take it if nobody has it: a damaged journal was replaced."""
        return await self._ask(lambda: self._watchers.holder(self._profile), None) is None and await self._try_to_take(
            None
        )

    async def _ask(self, question: Callable[[], T], otherwise: T) -> T:
        """Return the answer, or `otherwise` if the journal can't be read or written."""
        try:
            return await off_loop(question, name="lease")
        except sqlite3.Error as error:
            _log.warning("the lease of a profile can't be looked after: %s", error)
            return otherwise
