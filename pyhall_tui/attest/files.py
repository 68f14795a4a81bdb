"""Opening what an operator points at: never waits on a pipe, never reads more than its bound."""

import os
import stat
from pathlib import Path

READ_WITHOUT_WAITING = os.O_RDONLY | sum(getattr(os, flag, 0) for flag in ("O_NONBLOCK", "O_NOCTTY", "O_BINARY"))
"""Flags with which opening a pipe does not block; each system has some of them."""


def open_regular(path: Path) -> int:
    """Open a regular file for reading and return its descriptor. Raises `OSError` for anything else."""
    handle = os.open(path, READ_WITHOUT_WAITING)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(0, "not a regular file", str(path))
    return handle


def read_bounded(path: Path, limit: int) -> bytes:
    """Return a regular file's bytes. Raises `OSError`, also where there are more than `limit`."""
    with os.fdopen(open_regular(path), "rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(0, f"larger than {limit // 1024:,} KiB", str(path))
    return data


def amount(size: int) -> str:
    """Return a number of bytes as a person reads it."""
    for limit, unit in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if size >= limit:
            return f"{size / limit:,.1f} {unit}"
    return f"{size} byte{'s' * (size != 1)}"
