"""Runs the engine while this program polls by itself; it may be told to stop and to begin again at any time."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from pyhall_tui.monitor.engine import Monitor

_log = logging.getLogger(__name__)


class Polling:
    """Belongs to the loop that it runs on."""

    def __init__(
        self,
        make_monitor: Callable[[], Monitor],
        tell: Callable[[Monitor | None], None],
        follow: Callable[[Monitor], Coroutine[Any, Any, None]],
    ) -> None:
        """Poll nothing yet.

        Args:
            tell: called with each engine before it runs, and with None after it has ended.
            follow: follows the registry's stream of changes beside an engine. If it fails, the engine goes on.
        """
        self._make_monitor, self._tell, self._follow = make_monitor, tell, follow
        self._turned = asyncio.Event()
        self._is_on = False

    def turn(self, is_on: bool) -> None:
        """Poll from now on, or stop: requests under way are dropped."""
        self._is_on = is_on
        self._turned.set()

    async def run(self) -> None:
        """Poll whenever it is on, until cancelled."""
        while True:
            self._turned.clear()
            if self._is_on:
                await self._poll()
            else:
                await self._turned.wait()

    async def _poll(self) -> None:
        monitor = self._make_monitor()
        self._tell(monitor)
        running, turning = asyncio.ensure_future(monitor.run()), asyncio.ensure_future(self._off())
        following = asyncio.ensure_future(self._follow_beside(monitor))
        try:
            await asyncio.wait((running, turning), return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
        finally:
            running.cancel()
            turning.cancel()
            following.cancel()
            await asyncio.wait((running, turning, following))
            self._tell(None)

    async def _follow_beside(self, monitor: Monitor) -> None:
        try:
            await self._follow(monitor)
        except Exception:
            monitor.pushed_until(None)
            _log.exception("the registry's stream of changes is not followed any more")

    async def _off(self) -> None:
        while self._is_on:
            await self._turned.wait()
            self._turned.clear()
