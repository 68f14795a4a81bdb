"""Telling that what a command prints goes nowhere from all else that the system refuses."""

import errno

_OF_OUTPUT = (errno.EPIPE, errno.ENOSPC, errno.EIO, errno.EFBIG, errno.EBADF)


def is_of_output(error: OSError) -> bool:
    """Whether it is standard output that failed: its reader has gone, or its disk is full. A file's error names it."""
    return error.errno in _OF_OUTPUT and error.filename is None
