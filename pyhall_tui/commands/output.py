"""What a command prints: text that drives no terminal, and how to tell that it goes nowhere from all else."""

import errno
import sys

from pyhall_tui.render.text import clean

_OF_OUTPUT = (errno.EPIPE, errno.ENOSPC, errno.EIO, errno.EFBIG, errno.EBADF, errno.EDQUOT, errno.EAGAIN)
_OF_A_PIPE_ON_WINDOWS = (errno.EINVAL,) if sys.platform == "win32" else ()
"""What is said there where the reader of a pipe has gone."""


def is_of_output(error: OSError) -> bool:
    """Whether it is standard output that failed: its reader has gone, or its disk is full. A file's error names it."""
    return error.errno in (*_OF_OUTPUT, *_OF_A_PIPE_ON_WINDOWS) and error.filename is None


def printable(text: object, limit: int = 4_000) -> str:
    """Return text that neither drives the terminal nor fails to be encoded for it."""
    encoding = sys.stdout.encoding or "utf-8"
    return clean(text, limit).encode(encoding, "backslashreplace").decode(encoding)
