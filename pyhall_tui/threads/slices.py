"""Long work on the UI's loop, a little at a time."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

T = TypeVar("T")


async def slices(whole: Sequence[T], size: int) -> AsyncIterator[Sequence[T]]:
    """Yield so many at a time, and let a pressed key through after each."""
    for start in range(0, len(whole), size):
        yield whole[start : start + size]
        await asyncio.sleep(0)
