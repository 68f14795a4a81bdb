"""Files that are safe with two programs and after a crash: written whole or not at all, one writer at a time."""

import contextlib
import errno
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from pyhall_tui.files.file_lock import try_lock, unlock
from pyhall_tui.files.private_file import make_private_folder, open_private, require_trusted_file, trusted_path
from pyhall_tui.files.regular_file import reason
from pyhall_tui.files.whole_file import temporary

LOCK_WAIT: Final = 2.0
"""Seconds to wait for another program's write, which takes milliseconds."""


class FileBusy(OSError):
    """Another program has held the lock for longer than `LOCK_WAIT`."""


def write_atomically(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Replace the content of `path` (or of the file that it links to). A crash leaves the old or the new content.

    A file with several names (hard links), or that is a mount point, is overwritten in place, with the new text next to
    it until that is done.

    Raises:
        OSError: it could not be written; the old file is unchanged. If `path` is a link, the error names the file.
    """
    target = trusted_path(path)
    try:
        _write(target, data, mode)
    except OSError as error:
        if path.is_symlink():
            raise OSError(error.errno, f"{reason(error)}: it is a link to {target}") from error
        raise


def _write(target: Path, data: bytes, mode: int) -> None:
    names = _names_of(target)
    make_private_folder(target.parent)
    with temporary(target) as (new, file):
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
        new.chmod(mode)
        if os.name == "nt":
            file.close()
        if names > 1 or not _replace(new, target):
            _write_over(target, data)
    _sync_folder(target.parent)


def _names_of(target: Path) -> int:
    """Return how many names a file has, 0 if it doesn't exist; refuse what is not a file, or is read-only."""
    try:
        found = target.stat()
    except FileNotFoundError:
        return 0
    require_trusted_file(found, target)
    if not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "it is marked read-only", str(target))
    return found.st_nlink


def _write_over(target: Path, data: bytes) -> None:
    with target.open("r+b", buffering=0) as file:
        before = file.read()
        try:
            _put(file, data)
        except OSError:
            _put(file, before)  # there was room for it before
            raise


def _put(file: IO[bytes], data: bytes) -> None:
    file.seek(0)
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]
    file.truncate()
    os.fsync(file.fileno())


def _replace(source: Path, target: Path) -> bool:
    """Replace the target by the source; False if the target can't be replaced (a file mounted into a container).

    Windows refuses while a virus scanner or an editor has the target open, so try again for a moment.
    """
    for _ in range(10 if sys.platform == "win32" else 0):
        with contextlib.suppress(PermissionError):
            source.replace(target)
            return True
        time.sleep(0.05)
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        return False
    return True


def _sync_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut, if the system can."""
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
    """Hold the lock for `path`: a file next to it, so that the lock survives the replacement of `path` itself.

    For a link, the lock is next to the link, not next to its target (which may be in a repository). If the file system
    doesn't support locks, the block runs without one.

    Raises:
        FileBusy: another program does not release it.
        OSError: the lock's file can't be made.
    """
    make_private_folder(path.parent)
    handle = open_private(path.parent / f".{path.name}.lock", os.O_RDWR)
    try:
        _wait_for(handle)
        try:
            yield
        finally:
            unlock(handle)
    finally:
        os.close(handle)


def _wait_for(handle: int) -> None:
    deadline = time.monotonic() + LOCK_WAIT
    while try_lock(handle) is False:
        if time.monotonic() > deadline:
            raise FileBusy("another pyhall-tui is writing it")
        time.sleep(0.01)
