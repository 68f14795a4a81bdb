"""Runs blocking work beside the event loop, in a thread that nobody waits for at the end."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")


async def off_loop(function: Callable[[], T], *, name: str) -> T:
    """Run `function` in a daemon thread and return its result, or raise what it raises.

    Unlike with `asyncio.to_thread`, a hanging thread keeps neither the loop nor the process alive. Cancelling the wait
    does not stop the thread: give the function its own way to be stopped.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        settle: Callable[[], None]
        try:
            settle = partial(_set, future.set_result, future, function())
        except BaseException as failure:
            settle = partial(_set, future.set_exception, future, failure)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await future


def _set(setter: Callable[[T], None], future: asyncio.Future[Any], value: T) -> None:
    if not future.done():
        setter(value)
