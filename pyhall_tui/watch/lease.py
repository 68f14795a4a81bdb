"""One watcher a profile: it holds a lease in the journal, and the next one stands by until that is free or stale."""

import asyncio
import logging
import os
import secrets
import socket
import sqlite3
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from pyhall_tui.clock import Clock
from pyhall_tui.journal.watchers import Holder, Watchers
from pyhall_tui.threads.off_loop import off_loop

T = TypeVar("T")

BEAT: Final = 2.0
"""Seconds between two signs of life."""
STALE: Final = 8.0
"""Seconds without one after which another program takes the lease."""
_TRUSTED: Final = 5.0
"""Seconds after the last sign of life in which the holder sends: fewer than `STALE`, so that two never send at once."""
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

    async def keep(self) -> None:
        """Show that this program lives, until cancelled.

        Raises:
            LeaseLost: another one has the lease.
        """
        while True:
            await self._clock.sleep(BEAT)
            asked = self._clock.now().mono
            beat = partial(self._watchers.beat, self._profile, self._token)
            # A journal that can't be written can't be taken by another program either.
            if self._watchers.can_be_held and not await self._ask(beat, True) and not await self._take_again():
                self._token = ""
                raise LeaseLost
            self._trusted_until = asked + _TRUSTED

    async def leave(self) -> None:
        """Give it up, so that the next one need not wait."""
        token, self._token = self._token, ""
        if token and self._watchers.can_be_held:
            with suppress(TimeoutError):  # the next one notices by itself
                async with asyncio.timeout(_FAREWELL):
                    await self._ask(partial(self._watchers.leave, self._profile, token), None)

    async def _try_to_take(self, stale: Holder | None) -> bool:
        """Take it if it is free, or held by what is `stale` or has ended; in memory there are no others."""
        asked, mine = self._clock.now().mono, _this_program()
        if self._watchers.can_be_held:
            holder = await self._ask(lambda: self._watchers.holder(self._profile), stale)
            if holder is not None and holder != stale and not _has_ended(holder):
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


def _this_program() -> Holder:
    return Holder(secrets.token_hex(8), os.getpid(), socket.gethostname(), _place())


def _place() -> str:
    """Return what identifies the numbers of processes here: the machine since it was started, and the container."""
    if sys.platform != "linux":
        return ""
    try:
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _has_ended(holder: Holder) -> bool:
    """Whether a program has certainly ended."""
    if not holder.place or holder.place != _place():
        return False
    try:
        os.kill(holder.pid, 0)
        state = Path(f"/proc/{holder.pid}/stat").read_bytes().rpartition(b")")[2].split()[0]
    except ProcessLookupError:
        return True
    except (OSError, IndexError):  # it may be another user's
        return False
    return state in (b"Z", b"X")  # ended, but nobody has asked how
