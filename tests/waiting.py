"""The one place where a test waits: for a condition, never for a time."""

import asyncio
from collections.abc import Callable

from tests.clock import ManualClock


async def until(condition: Callable[[], object], timeout: float = 30.0, *, clock: ManualClock | None = None) -> None:
    """Let the loop run until the condition holds; with a `clock`, let its time pass meanwhile, 0.1 s per check.

    Raises:
        AssertionError: it did not within `timeout` seconds of real time.
    """
    deadline = asyncio.get_running_loop().time() + timeout
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, f"not so within {timeout:g} s: {condition}"
        if clock is not None:
            await clock.advance(0.1)
        await asyncio.sleep(0.01)
