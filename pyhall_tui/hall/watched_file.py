"""Watches a file that people save: its content counts once the file has settled."""

import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from pyhall_tui.clock import Clock
from pyhall_tui.files.regular_file import read_bounded, reason
from pyhall_tui.hall.errors import FileMistake

QUIET = 2.0
"""Seconds for which a file must not change: an editor may write it in several steps."""
_RESTLESS = 30.0
"""Seconds of changes after which the file is reported as not settling."""
_MOST_WAITS = 15

_Stamp = tuple[int, ...]


class _Sight(msgspec.Struct, frozen=True):
    """A file at one look; `content` is its bytes, or why they can't be read."""

    stamp: _Stamp
    content: bytes | str
    since: float


class WatchedFile:
    """A file whose changes are each reported once, when complete: two looks have found the same content."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self._clock = clock
        self._taken = _stamp(path)
        self._seen: _Sight | None = None
        self._restless_since: float | None = None

    def look(self) -> bytes | str | None:
        """Return the file's content if it is new and settled (or why it can't be read), otherwise None."""
        stamp = _stamp(self.path)
        if self._seen is None and stamp == self._taken:
            return None
        now = self._clock.now().mono
        if self._restless_since is None:
            self._restless_since = now
        if self._seen is None or stamp != self._seen.stamp:
            self._seen = _Sight(stamp, _content(self.path), now)
            return None
        if now - self._seen.since < QUIET:
            return None
        content = _content(self.path)
        if content != self._seen.content or _stamp(self.path) != stamp:
            self._seen = _Sight(_stamp(self.path), content, now)
            return None
        self._taken, self._seen, self._restless_since = stamp, None, None
        return content

    @property
    def restless(self) -> bool:
        """Whether the file has been changing for so long that somebody should look at it."""
        since = self._restless_since
        return since is not None and self._clock.now().mono - since > _RESTLESS


def wait_until_still(
    path: Path, now: Callable[[], float] = time.time, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Wait until a file that was just saved has settled.

    Raises:
        FileMistake: it does not settle.
    """
    for _ in range(_MOST_WAITS):
        before = _stamp(path)
        if not before or now() - max(before[:2]) / 1e9 >= QUIET:
            return  # if the file is missing, its reader says so
        sleep(QUIET)
        if _stamp(path) == before:
            return
    raise FileMistake(f"{path} keeps changing: try again once it is saved")


def _stamp(path: Path) -> _Stamp:
    """Return what changes with the file, its times first; empty if it does not exist."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, found.st_mode)


def _content(path: Path) -> bytes | str:
    try:
        return read_bounded(path)
    except OSError as error:
        return reason(error)
