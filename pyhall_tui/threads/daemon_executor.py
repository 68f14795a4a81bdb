"""Threads for calls that may block: none of them keeps a loop or the process alive."""

import concurrent.futures
import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


class DaemonExecutor(concurrent.futures.ThreadPoolExecutor):
    """Runs a loop's blocking calls, mainly name lookups, each in its own thread that nobody waits for at the end.

    A resolver may take half a minute to give up. The threads of asyncio's own executor would keep the loop and the
    process alive for as long, whatever the request's time-out, and a few of them would keep all others waiting.
    """

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> concurrent.futures.Future[T]:
        """Call `fn` in its own daemon thread."""
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
