"""A file that two programs and a crash can share: written whole or not at all, one writer at a time."""

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

LOCK_WAIT: Final = 2.0
"""Seconds to wait for another program's write, which takes milliseconds."""


class FileBusy(OSError):
    """Another program has held the lock for longer than `LOCK_WAIT`."""


def make_private_folder(folder: Path) -> None:
    """Make `folder` and what is missing above it, each for its owner alone (0700)."""
    if folder.is_dir():
        return
    make_private_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)


def write_atomically(path: Path, data: bytes) -> None:
    """Replace what `path` (or the file that it links to) holds; mode 0600. A crash leaves the old or the new.

    Raises:
        OSError: it could not be written; the old file is as it was.
    """
    target = Path(os.path.realpath(path))
    make_private_folder(target.parent)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".new")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o600)
        _replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _replace(source: Path, target: Path) -> None:
    """Windows refuses while a virus scanner or an editor has the target open: for a moment, try again."""
    for _ in range(10 if sys.platform == "win32" else 0):
        with contextlib.suppress(PermissionError):
            source.replace(target)
            return
        time.sleep(0.05)
    source.replace(target)


def _sync_folder(folder: Path) -> None:
    """Make the new name itself last through a power cut, where the system can."""
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock for `path`: a file beside it, so that it outlasts the replacing of `path` itself.

    The lock lies beside a link, not beside the file it leads to (which may be in a repository). Where the file
    system knows no locks, the block runs without.

    Raises:
        FileBusy: another program does not let go.
        OSError: the lock's file cannot be made.
    """
    make_private_folder(path.parent)
    with (path.parent / f".{path.name}.lock").open("ab") as file:
        _wait_for(file)
        try:
            yield
        finally:
            _unlock(file)


def _wait_for(file: IO[bytes]) -> None:
    deadline = time.monotonic() + LOCK_WAIT
    while not _try_lock(file):
        if time.monotonic() > deadline:
            raise FileBusy("another pyhall-tui is writing it")
        time.sleep(0.01)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: IO[bytes]) -> bool:
        try:
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(file: IO[bytes]) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True  # no locks on this file system
        return True

    def _unlock(file: IO[bytes]) -> None:
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_UN)
