"""Long work on the UI's loop that is written once, as steps: taken all at once, or with the loop's other work between.

A step is what happens up to a `yield`. What it yields is called, in a thread if the loop must not wait for it, and the
result is sent back. It yields None only to let a pressed key through.
"""

import asyncio
from collections.abc import Callable, Generator
from typing import Any, TypeAlias, TypeVar

from pyhall_tui.threads.off_loop import off_loop

T = TypeVar("T")
Steps: TypeAlias = Generator[Callable[[], Any] | None, Any, T]


def at_once(steps: Steps[T]) -> T:
    """Take all steps in this thread, and return their result."""
    result: Any = None
    try:
        while True:
            beside = steps.send(result)
            result = beside() if beside is not None else None
    except StopIteration as end:
        value: T = end.value
        return value
    finally:
        steps.close()


async def one_by_one(steps: Steps[T], *, name: str) -> T:
    """Take one step at a time, and let the loop do something else after each; return their result.

    `name` is that of the threads in which the steps' own calls are made. What a call raises ends the steps.
    """
    result: Any = None
    try:
        while True:
            beside = steps.send(result)
            result = await (asyncio.sleep(0) if beside is None else off_loop(beside, name=name))
    except StopIteration as end:
        value: T = end.value
        return value
    finally:
        steps.close()
