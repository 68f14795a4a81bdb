"""A hall reports that it lives, so that the others on its store, and people, know."""

import asyncio
import sqlite3
import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from pyhall_tui import __version__
from pyhall_tui.hall.errors import StoreError
from pyhall_tui.hall.store.halls import BEAT, Report

if TYPE_CHECKING:
    from pyhall_tui.hall.context import Hall

_SPAN = 5
"""Reports over which decisions a second are counted."""


class Presence:
    """Reports that the hall lives, and gives it its share of the limit for each key.

    Args:
        name: what people call this hall.
        policy_file: where its policy comes from; None for the store's own.
    """

    def __init__(self, hall: "Hall", name: str, policy_file: str | None = None) -> None:
        self.name = name
        self._hall, self._policy_file = hall, policy_file
        self._began = hall.clock.now().mono
        self._reporting, self._has_ended = threading.Lock(), False  # a report that comes late would bring it back
        self._counted: deque[tuple[float, int]] = deque([(self._began, 0)], maxlen=_SPAN + 1)

    async def run(self) -> None:
        """Report until cancelled, and then that it has ended."""
        try:
            while True:
                await self.beat()
                await self._hall.clock.sleep(BEAT)
        finally:
            with self._reporting, suppress(StoreError, sqlite3.Error):
                self._has_ended = True
                self._hall.store.halls.leave(self._hall.instance)

    def begin(self) -> None:
        """Report for the first time.

        Raises:
            StoreError: it can't be written.
        """
        self._hall.limiter.halls = self._hall.store.halls.beat(self._report())

    async def beat(self) -> None:
        """Report once. In a thread, without waiting for another program: long reads use the same connection."""
        report = self._report()
        with suppress(StoreError, sqlite3.Error):  # it is reported by what needs the store
            self._hall.limiter.halls = await asyncio.to_thread(self._send, report)

    def _send(self, report: Report) -> int:
        with self._reporting:
            if self._has_ended:
                return 1
            store = self._hall.store.beside()
            with store.not_waiting():
                return store.halls.beat(report)

    def _report(self) -> Report:
        hall, now = self._hall, self._hall.clock.now().mono
        self._counted.append((now, sum(hall.decisions.totals.values())))
        (then, before), (_, total) = self._counted[0], self._counted[-1]
        return Report(
            instance=hall.instance,
            name=self.name,
            version=__version__,
            uptime=now - self._began,
            decisions=round((total - before) / (now - then), 1) if now > then else 0.0,
            policy_file=self._policy_file,
            policy_error=hall.policy.error,
            upstream=hall.upstream.url if hall.upstream else None,
            stale=hall.upstream is not None and hall.upstream.stale,
        )
