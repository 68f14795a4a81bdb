"""Files and folders only for their owner, whatever the umask, and never where another user's link leads.

In a folder that others may write to, such as /tmp, anybody can put a link where we are about to write. Linux itself
refuses to follow it (`protected_symlinks`), but other systems don't, and it doesn't help if we resolve links first.
"""

import contextlib
import errno
import os
import stat
from collections import deque
from pathlib import Path
from typing import Final

from pyhall_tui.files.regular_file import require_regular

_NO_LINK: Final = sum(getattr(os, flag, 0) for flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_BINARY"))
_MOST_LINKS: Final = 40
_POSIX: Final = os.name == "posix"


def make_private_folder(folder: Path) -> None:
    """Make `folder` and missing parents, each only for its owner (0700)."""
    if folder.is_dir():
        return
    make_private_folder(folder.parent)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if not folder.is_dir():
            raise
    else:
        folder.chmod(0o700)  # the umask may have removed the owner's own bits


def trusted_path(path: Path) -> Path:
    """Return the path with all links followed. Our own may lead anywhere, another user's not out of a shared folder.

    Raises:
        PermissionError: there is such a link.
        OSError: the links form a loop.
    """
    if not _POSIX:
        return Path(os.path.realpath(path))
    left = deque(Path(os.path.join(os.getcwd(), path)).parts[1:])  # noqa: PTH109, PTH118 - `..` stays: links count
    here, links = Path("/"), 0
    while left:
        part = left.popleft()
        step = here.parent if part == ".." else here / part
        if not step.is_symlink():
            here = step
            continue
        _require_ours(step.lstat(), step)
        links += 1
        if links > _MOST_LINKS:
            raise OSError(errno.ELOOP, "its links go in a circle", str(path))
        target = step.readlink()
        if target.is_absolute():
            here, target = Path("/"), target.relative_to("/")
        left.extendleft(reversed(target.parts))
    return here


def require_trusted_file(found: os.stat_result, path: Path) -> None:
    """Refuse a file that is not regular, or that another user has put into a shared folder.

    A second name counts too: whoever made it there has redirected us to a file of ours elsewhere.
    """
    require_regular(found.st_mode, path)
    if _POSIX and _is_shared(path.parent):
        _require_ours(found, path)
        if found.st_nlink > 1:
            raise PermissionError(errno.EACCES, "it has a second name, and others may write to its folder", str(path))


def make_private_file(path: Path, flags: int) -> int:
    """Make a file (0600) and open it for writing; return the descriptor. Of two programs only one can.

    Raises:
        FileExistsError: it exists.
        OSError: it can't be made.
    """
    handle = os.open(trusted_path(path), flags | os.O_CREAT | os.O_EXCL | _NO_LINK, 0o600)
    if _POSIX:
        os.fchmod(handle, 0o600)
    return handle


def open_private(path: Path, flags: int) -> int:
    """Open a file for writing, and make it (0600) if it is missing; return the descriptor.

    Raises:
        OSError: it can't be opened, is not a regular file, or another user has put it (or a link) there.
    """
    real = trusted_path(path)
    with contextlib.suppress(FileExistsError):
        return make_private_file(real, flags)
    require_regular(real.stat().st_mode, real)
    handle = os.open(real, flags | _NO_LINK)
    try:
        require_trusted_file(os.fstat(handle), real)
    except OSError:
        os.close(handle)
        raise
    return handle


def make_private_database(path: Path) -> None:
    """Make an SQLite file and its folder only for their owner; its companion files get the file's own mode.

    An existing file is not opened: closing it would drop the locks that this process holds on it through another
    connection. Then another program could remove the write-ahead log, with everything written later.

    Raises:
        OSError: it can't be made, or another user has put it (or a companion file) there.
    """
    make_private_folder(path.parent)
    real = trusted_path(path)
    if not real.exists():
        os.close(open_private(path, os.O_RDWR))
    require_trusted_file(real.stat(), real)
    if not os.access(real, os.R_OK | os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    for suffix in ("-wal", "-shm", "-journal"):
        beside = trusted_path(path.with_name(path.name + suffix))
        if beside.exists():
            require_trusted_file(beside.stat(), beside)


def _is_shared(folder: Path) -> bool:
    """Whether others may put files into a folder: everybody, or a group whose members can't touch others' files."""
    mode = folder.stat().st_mode
    return bool(mode & stat.S_IWOTH) or bool(mode & stat.S_ISVTX and mode & stat.S_IWGRP)


def _require_ours(found: os.stat_result, path: Path) -> None:
    if _POSIX and _is_shared(path.parent) and found.st_uid not in (os.geteuid(), path.parent.stat().st_uid):
        what = "another user's link" if stat.S_ISLNK(found.st_mode) else "another user's file"
        raise PermissionError(errno.EACCES, f"{path} is {what} in a folder that others may write to", str(path))
