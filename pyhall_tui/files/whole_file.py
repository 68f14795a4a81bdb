"""Files that appear whole or not at all: written under a temporary name, and renamed when they are done.

A killed program leaves behind what it was writing, as `.NAME.xxxxxxxx.new`. The file is locked while it is written, and
the lock ends with its program. So leftovers can be recognized, and whoever writes there next deletes them.
"""

import contextlib
import errno
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, NamedTuple

from pyhall_tui.files.file_lock import try_lock
from pyhall_tui.files.private_file import open_private, trusted_path

_LEFT_BEHIND: Final = re.compile(r"\..+\.[a-z0-9_]{8}\.new")
_IN_USE: Final = ".in-use"
_LONGEST: Final = 200
"""Bytes of a file's name that the temporary name repeats; names have at most 255."""


class Temporary(NamedTuple):
    """A file that is being written, open and locked."""

    path: Path
    file: IO[bytes]


@contextmanager
def temporary(target: Path) -> Iterator[Temporary]:
    """Open a new file next to `target`, only for its owner, and delete what a killed program left there.

    Unless it is moved away in the meantime, it is deleted at the end.
    """
    sweep(target.parent, _prefix(target))
    begun = _begin(target)
    try:
        with begun.file:
            yield begun
    finally:
        begun.path.unlink(missing_ok=True)


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """Write a file that doesn't exist yet. After an error or a crash, it still doesn't.

    Raises:
        FileExistsError: it exists, or has appeared meanwhile.
        OSError: it can't be written, or another user's link leads to its folder.
    """
    target = trusted_path(path.parent) / path.name
    if os.path.lexists(target):
        raise _taken(target)
    with temporary(target) as (beside, file):
        yield file
        file.flush()
        os.fsync(file.fileno())
        if os.name == "nt":
            file.close()
        _publish(beside, target)


@contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """Make a temporary folder with that prefix; it is deleted at the end. Then `claim` it."""
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as name:
        yield Path(name)


@contextmanager
def claim(folder: Path, prefix: str) -> Iterator[None]:
    """Mark a temporary folder as in use: if this program is killed, the next one deletes it, as this one does now."""
    for entry in folder.parent.glob(f"{prefix}*"):
        with contextlib.suppress(OSError):
            _delete_folder_left_behind(entry)
    unlocked = folder / f"{_IN_USE}.new"
    handle = open_private(unlocked, os.O_RDWR)
    try:
        try_lock(handle)
        if os.name == "posix":  # elsewhere an open file keeps its name, and its folder can't be deleted
            unlocked.rename(folder / _IN_USE)
        yield
    finally:
        os.close(handle)


def sweep(folder: Path, prefix: str = ".") -> None:
    """Delete what killed programs left behind in `folder`: our own files that no running program is writing."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(prefix) and _LEFT_BEHIND.fullmatch(entry.name):
                with contextlib.suppress(OSError):
                    _delete_left_behind(Path(entry.path))


def sweep_below(folder: Path) -> None:
    """Do the same in `folder` and all folders below it."""
    for each, _, _ in os.walk(folder):
        sweep(Path(each))


def _begin(target: Path) -> Temporary:
    while True:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=_prefix(target), suffix=".new")
        begun = Temporary(Path(name), os.fdopen(handle, "wb"))
        if os.name == "posix":
            os.fchmod(handle, 0o600)
        if try_lock(handle) is not False and begun.path.exists():  # otherwise it was swept before it was locked
            return begun
        begun.file.close()


def _prefix(target: Path) -> str:
    return os.fsdecode(b"." + os.fsencode(target.name)[:_LONGEST] + b".")


def _delete_left_behind(path: Path) -> None:
    if os.name != "posix":
        path.unlink()  # Windows refuses if a program has it open
        return
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
        return
    handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if try_lock(handle):
            path.unlink()
    finally:
        os.close(handle)


def _delete_folder_left_behind(folder: Path) -> None:
    """Delete a folder whose program is gone: it has one of our lock files, and nobody holds the lock."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or (os.name == "posix" and found.st_uid != os.geteuid()):
        return
    handle = os.open(folder / _IN_USE, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    try:
        gone = try_lock(handle)
    finally:
        os.close(handle)
    if gone:
        shutil.rmtree(folder, ignore_errors=True)


def _publish(temporary: Path, target: Path) -> None:
    """Give the file its name unless that is taken: with a second name, or by moving it if hard links don't work."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError:
        if os.path.lexists(target):
            raise _taken(target) from None
        temporary.rename(target)


def _taken(target: Path) -> FileExistsError:
    return FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
