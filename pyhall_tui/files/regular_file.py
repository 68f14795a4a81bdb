"""Opens files that you name, or that you may have replaced: never waits on a pipe, and never reads endlessly."""

import errno
import os
import stat
from pathlib import Path

READ_WITHOUT_WAITING = os.O_RDONLY | sum(getattr(os, flag, 0) for flag in ("O_NONBLOCK", "O_NOCTTY", "O_BINARY"))
"""Flags to open a pipe without blocking; each system has some of them."""
_LIMIT = 64 << 20  # bytes; a watch list of ten thousand workers is one MiB


def require_regular(mode: int, path: Path) -> None:
    """Raise `OSError` if a file's mode is that of a folder, pipe, socket or device."""
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder, not a regular file", str(path))
    if not stat.S_ISREG(mode):
        raise OSError(0, "it is a pipe, socket or device, not a regular file", str(path))


def open_regular(path: Path) -> int:
    """Open a regular file for reading and return its descriptor. Raises `OSError` for anything else."""
    require_regular(path.stat().st_mode, path)  # a socket can't be opened, and opening a device may do something
    handle = os.open(path, READ_WITHOUT_WAITING)
    try:
        require_regular(os.fstat(handle).st_mode, path)
    except OSError:
        os.close(handle)
        raise
    return handle


def read_bounded(path: Path, limit: int = _LIMIT) -> bytes:
    """Return a regular file's bytes. Raises `OSError`, also if there are more than `limit`."""
    with os.fdopen(open_regular(path), "rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(0, f"it is larger than {limit // 1024:,} KiB", str(path))
    return data


class NotText(ValueError):
    """It is not a readable text; the message is the end of a sentence, and says what to do."""


def edited_text(data: bytes) -> str:
    """Return a file's text however an editor saved it: with or without a byte order mark, with either line end.

    It reads all TOML and JSON files that you may have edited.

    Raises:
        NotText: it is not UTF-8.
    """
    if not data.strip(b"\0"):
        if data:
            raise NotText("it holds nothing but NUL bytes, as a crash leaves a file: restore it")
    elif data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data[:64]:
        raise NotText("it is UTF-16: save it as UTF-8")
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise NotText(f"line {line} holds a byte that is not UTF-8: save it as UTF-8") from None


def reason(error: OSError) -> str:
    """Return why the system refused, as the end of a sentence."""
    told = error.strerror or str(error)
    return told[:1].lower() + told[1:]
