"""Injected time: a clock that can't jump, for ages and schedules, and one for the times that people read."""

import asyncio
import sys
import time
from typing import NamedTuple, Protocol


class Moment(NamedTuple):
    """One instant on both clocks.

    `mono` is in seconds, never jumps, and continues while the machine sleeps; ages and due times are differences of it.
    `wall` is seconds since the epoch (UTC), for times that are shown or stored.
    """

    mono: float
    wall: float


class Clock(Protocol):
    """The clock that everything uses. `SystemClock` is the real one; a test moves its own."""

    def now(self) -> Moment:
        """Return this instant."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for that many seconds of this clock."""
        ...


def _monotonic() -> float:
    """Return seconds that include the machine's sleep (Python's own `monotonic` stops then on Linux and macOS)."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    if sys.platform == "darwin":
        return time.clock_gettime(time.CLOCK_MONOTONIC)
    return time.monotonic()


class SystemClock:
    """The machine's own time."""

    def now(self) -> Moment:
        """Return this instant."""
        return Moment(_monotonic(), time.time())

    async def sleep(self, seconds: float) -> None:
        """Wait for that many seconds."""
        await asyncio.sleep(seconds)
