"""Threads for calls that may block: none of them keeps a loop or the process."""

import concurrent.futures
import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


class DaemonExecutor(concurrent.futures.ThreadPoolExecutor):
    """What a loop hands blocking calls to, name lookups above all: a thread for each, that nobody waits for at the end.

    A resolver may take half a minute to give up. The threads of asyncio's own executor would keep loop and process
    for as long, whatever time-out the request had, and a few of them would keep all others waiting.
    """

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> concurrent.futures.Future[T]:
        """Call `fn` in a daemon thread of its own."""
        future: concurrent.futures.Future[T] = concurrent.futures.Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as failure:
                future.set_exception(failure)
            else:
                future.set_result(result)

        threading.Thread(target=run, name="blocking call", daemon=True).start()
        return future
