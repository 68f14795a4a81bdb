"""The three standard streams: each is there, whatever the caller closed, and standard error never fails."""

import io
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_MODES = (os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)
"""How a closed stream is filled: what is printed on standard output must fail, not vanish."""


def open_missing() -> None:
    """Fill the streams that the caller closed (`<&-`, `>&-`, `2>&-`) from the null device.

    Otherwise the next file that is opened, such as a database, would get the number of the closed stream, and a
    message printed there would be written into it. Standard input is then empty; what is written on standard output
    fails with EBADF; standard error swallows it.
    """
    for number, mode in enumerate(_MODES):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, mode), True)  # the lowest free number: this one
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - it stays open to the end
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def never_fail_on_error() -> None:
    """Let what cannot be written to standard error (a full disk, a reader that has gone) be dropped.

    The exit code still tells. A terminal is left alone: it is Python's own that writes to a Windows console.
    """
    present = sys.stderr
    if not isinstance(present, io.TextIOWrapper) or present.isatty():
        return
    raw = _BestEffort(present.fileno(), "w", closefd=False)
    sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(raw), encoding=present.encoding, errors="backslashreplace", line_buffering=True
    )


def drop_output() -> None:
    """Send what is still to be written to standard output nowhere: it failed once, and would fail again."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)


class _BestEffort(io.FileIO):
    """A file that takes all that is written to it, whether or not it can be kept."""

    def write(self, data: "ReadableBuffer", /) -> int:
        try:
            written = super().write(data)
        except OSError:
            written = None
        return len(memoryview(data).cast("B")) if written is None else written
