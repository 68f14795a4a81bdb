"""Standard output as a bounded queue: a thread writes it, so that a slow reader stalls only that thread."""

import asyncio
import contextlib
import os
import select
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from pyhall_tui.watch.lines import Line, encoded, lost_line

MOST: Final = 10_000
"""Lines that wait; what comes when there are so many is lost, and counted."""
_AT_ONCE: Final = 200
_LOOK: Final = 0.5
"""Seconds between two looks whether the reader is still there, while there is nothing to write."""
_FULL: Final = 0.2
"""Seconds to wait for room in a pipe that doesn't block."""


class Output:
    """Takes lines on the loop's thread, and writes them in order on its own."""

    def __init__(self, descriptor: int, wall: Callable[[], float], *, most: int = MOST) -> None:
        """Write nothing yet. `wall` returns the wall time in seconds."""
        self._descriptor, self._wall, self._most = descriptor, wall, most
        self._loop = asyncio.get_running_loop()
        self._lines: deque[bytes] = deque()
        self._put = self._done = 0
        self._missing = 0
        """Lines lost since the last one that was taken."""
        self.lost = 0
        """Lines lost since the start."""
        self._changed = threading.Condition()
        self._closing = False
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self.failed: asyncio.Future[OSError] = self._loop.create_future()
        """Done when nothing can be written any more, with the reason: the reader has gone, or the disk is full."""
        self._thread = threading.Thread(target=self._run, name="standard output", daemon=True)
        self._thread.start()

    def put(self, line: Line) -> None:
        """Take a line; if too many wait already, it is lost."""
        with self._changed:
            if len(self._lines) >= self._most:
                self._lose(1)
                return
            if self._missing:
                self._append(lost_line(self._wall(), self._missing))
                self._missing = 0
            self._append(line)
            self._changed.notify_all()

    def lose(self, count: int) -> None:
        """Count lines that were lost elsewhere."""
        with self._changed:
            self._lose(count)

    async def written(self) -> None:
        """Wait until everything taken up to now is written."""
        done: asyncio.Future[None] = self._loop.create_future()
        with self._changed:
            if self._done >= self._put:
                return
            self._waiting.append((self._put, done))
        await done

    def close(self, patience: float) -> int:
        """Write what waits, for at most that many seconds; return how many lines were not written."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(patience)
        return self._put - self._done

    def _append(self, line: Line) -> None:
        self._lines.append(encoded(line))
        self._put += 1

    def _lose(self, count: int) -> None:
        self._missing += count
        self.lost += count

    def _run(self) -> None:
        try:
            while (taken := self._take()) is not None:
                if taken:
                    self._write(b"".join(taken))
                    self._wrote(len(taken))
                elif _has_no_reader(self._descriptor):
                    raise BrokenPipeError(32, "Broken pipe")
        except OSError as error:
            self._call(self._fail, error)

    def _take(self) -> list[bytes] | None:
        """Return the next lines; none if there are none yet, and None at the end."""
        with self._changed:
            if not self._lines and not self._closing:
                self._changed.wait(_LOOK)
            if not self._lines and self._closing:
                return None
            return [self._lines.popleft() for _ in range(min(_AT_ONCE, len(self._lines)))]

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:  # whoever shares the pipe has made it so
                _wait_for_room(self._descriptor)

    def _wrote(self, count: int) -> None:
        with self._changed:
            self._done += count
            ready = [done for mark, done in self._waiting if mark <= self._done]
            self._waiting = [each for each in self._waiting if each[0] > self._done]
        for done in ready:
            self._call(_set, done)

    def _fail(self, error: OSError) -> None:
        if not self.failed.done():
            self.failed.set_result(error)

    def _call(self, function: Callable[..., None], *args: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(function, *args)


def _set(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)


def _has_no_reader(descriptor: int) -> bool:
    """Whether the other end of a pipe is closed; False if that can't be told before writing."""
    if sys.platform == "win32":
        return False
    looking = select.poll()
    looking.register(descriptor, 0)
    return any(event & (select.POLLERR | select.POLLNVAL) for _, event in looking.poll(0))


def _wait_for_room(descriptor: int) -> None:
    if sys.platform == "win32":
        time.sleep(_FULL)
        return
    looking = select.poll()
    looking.register(descriptor, select.POLLOUT)
    looking.poll(_FULL * 1_000)
