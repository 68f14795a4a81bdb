"""What a command prints: text without control sequences, and how to tell a failed output from other errors."""

import errno
import sys

from pyhall_tui.render.text import clean

_OF_OUTPUT = (errno.EPIPE, errno.ENOSPC, errno.EIO, errno.EFBIG, errno.EBADF, errno.EDQUOT, errno.EAGAIN)
_OF_A_PIPE_ON_WINDOWS = (errno.EINVAL,) if sys.platform == "win32" else ()
"""What Windows reports for a broken pipe."""


def is_of_output(error: OSError) -> bool:
    """Whether stdout itself failed: a broken pipe, or a full disk. A file's error names the file."""
    return error.errno in (*_OF_OUTPUT, *_OF_A_PIPE_ON_WINDOWS) and error.filename is None


def printable(text: object, limit: int = 4_000) -> str:
    """Return text without control sequences that the terminal's encoding can hold."""
    encoding = sys.stdout.encoding or "utf-8"
    return clean(text, limit).encode(encoding, "backslashreplace").decode(encoding)
