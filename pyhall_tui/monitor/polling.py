"""Runs the engine while this program polls by itself; it may be told to stop and to begin again at any time."""

import asyncio
from collections.abc import Callable

from pyhall_tui.monitor.engine import Monitor


class Polling:
    """Belongs to the loop that it runs on."""

    def __init__(self, make_monitor: Callable[[], Monitor], tell: Callable[[Monitor | None], None]) -> None:
        """Poll nothing yet. `tell` is called with each engine before it runs, and with None after it has ended."""
        self._make_monitor, self._tell = make_monitor, tell
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
        try:
            await asyncio.wait((running, turning), return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
        finally:
            running.cancel()
            turning.cancel()
            await asyncio.wait((running, turning))
            self._tell(None)

    async def _off(self) -> None:
        while self._is_on:
            await self._turned.wait()
            self._turned.clear()
