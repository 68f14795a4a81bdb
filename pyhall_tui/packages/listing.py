"""Lists a package: each file that counts, each thing left out, each thing that can't be hashed.

The rules are the contract's ("The canonical package hash"). Nothing is opened, so nothing waits on a pipe.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from enum import StrEnum

import msgspec

NEVER_PART = frozenset({".git", "__pycache__", ".DS_Store", "manifest.json", "manifest.sig", "manifest.tmp"})
"""A path is left out if one of its parts has such a name, whatever it is."""

VANISHED = "it vanished while it was being read"


class Why(StrEnum):
    """Why something is not part of the hash."""

    NAME = "a name that never counts"
    BYTECODE = "compiled Python"
    LINKED_FOLDER = "a link to a folder, which is not followed"
    SPECIAL = "a pipe, socket or device, left out as requested"


class LeftOut(msgspec.Struct, frozen=True):
    """Something in the package that is not part of its hash. A folder includes everything in it."""

    path: str
    reason: Why


class Problem(msgspec.Struct, frozen=True):
    """Something that prevents an honest hash."""

    path: str
    """Relative to the root, POSIX; bytes that are not UTF-8 as `\\xNN`. `.` is the root itself."""
    reason: str
    special: bool = False
    """A pipe, socket or device (or a link to one): these can be left out on request."""


class Found(msgspec.Struct, frozen=True, gc=False):
    """A regular file that counts, as of when the folder was read."""

    path: str
    size: int
    mtime_ns: int
    link: bool


class Listing(msgspec.Struct):
    """One listing of a package's folder. `folders` has each folder and its modification time, in ns."""

    files: list[Found] = msgspec.field(default_factory=list)
    left_out: list[LeftOut] = msgspec.field(default_factory=list)
    problems: list[Problem] = msgspec.field(default_factory=list)
    folders: dict[str, int] = msgspec.field(default_factory=dict)


def list_package(root: str, *, skip_special: bool, go_on: Callable[[], bool]) -> Listing:
    """List the folder `root`, files in the contract's order: sorted part by part, by code point.

    Stops early, with an incomplete listing, once `go_on` returns False.
    """
    listing = Listing()
    waiting = [""]
    while waiting and go_on():
        below = waiting.pop()
        try:
            waiting.extend(_list_folder(root, below, listing, skip_special))
        except OSError as error:
            listing.problems.append(Problem(shown(below.rstrip("/")) or ".", f"folder: {why(error)}"))
    listing.files.sort(key=lambda found: found.path.replace("/", "\0"))  # sorts as its list of parts, but faster
    listing.left_out.sort(key=lambda left: left.path)
    listing.problems.sort(key=lambda problem: problem.path)
    return listing


def _list_folder(root: str, below: str, listing: Listing, skip_special: bool) -> Iterator[str]:
    """Add one folder's entries to `listing`; yield its subfolders, as relative paths that end in `/`."""
    folder = os.path.join(root, below)  # noqa: PTH118 - `str` all the way: a million paths are not made into objects
    listing.folders[below] = os.stat(folder).st_mtime_ns  # noqa: PTH116
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            path = below + name
            if name in NEVER_PART:
                listing.left_out.append(LeftOut(shown(path), Why.NAME))
            elif entry.is_dir(follow_symlinks=False) and not _is_junction(entry):
                yield path + "/"
            elif name.endswith(".pyc"):
                listing.left_out.append(LeftOut(shown(path), Why.BYTECODE))
            else:
                _sort_in(entry, path, listing, skip_special)


def _sort_in(entry: os.DirEntry[str], path: str, listing: Listing, skip_special: bool) -> None:
    """Add one entry that is not a folder where it belongs. A link counts as its target."""
    try:
        info = os.stat(entry.path)  # noqa: PTH116 - ten thousand times: no object is made of the path
    except OSError as error:
        listing.problems.append(Problem(shown(path), why(error, link=entry.is_symlink())))
        return
    if stat.S_ISREG(info.st_mode) and (path.isascii() or _is_utf8(path)):
        listing.files.append(Found(path, info.st_size, info.st_mtime_ns, entry.is_symlink()))
        return
    special = special_kind(info.st_mode)
    if stat.S_ISDIR(info.st_mode):
        listing.left_out.append(LeftOut(shown(path), Why.LINKED_FOLDER))
    elif special and skip_special:
        listing.left_out.append(LeftOut(shown(path), Why.SPECIAL))
    elif special:
        kind = f"a link to {special}" if entry.is_symlink() else special
        listing.problems.append(Problem(shown(path), kind, special=True))
    else:
        listing.problems.append(Problem(shown(path), "its name is not UTF-8"))


def _is_junction(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a linked folder of Windows, which `is_symlink` doesn't recognize (Python 3.12 and later)."""
    return bool(getattr(entry, "is_junction", lambda: False)())


def _is_utf8(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def special_kind(mode: int) -> str | None:
    """Return a name for something that is neither a file nor a folder, or None."""
    if stat.S_ISFIFO(mode):
        return "a named pipe"
    if stat.S_ISSOCK(mode):
        return "a socket"
    return None if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else "a device"


def shown(path: str) -> str:
    """Return `path` as text that can be encoded: bytes that are not UTF-8 become `\\xNN`."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace") if path else path


def why(error: OSError, *, link: bool = False) -> str:
    """Return in a few words why the system refused access."""
    if isinstance(error, FileNotFoundError):
        return "a link to something that does not exist" if link else VANISHED
    if error.errno == errno.ELOOP:
        return "a link that leads to itself"
    return (error.strerror or str(error)).lower()
