"""The three standard streams: each one exists, whatever the caller closed, and stderr never fails."""

import io
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_MODES = (os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)
"""How a closed stream is opened: what is printed to stdout must fail, not vanish."""


def open_missing() -> None:
    """Open the streams that the caller closed (`<&-`, `>&-`, `2>&-`) on the null device.

    Otherwise the next file that is opened, such as a database, would get the closed stream's number, and messages
    printed there would be written into it. Stdin is then empty; writing to stdout fails with EBADF; stderr discards
    everything.
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
    """Drop whatever can't be written to stderr (a full disk, a broken pipe).

    The exit code still says what happened. A terminal stays as it is, because only Python's own stream can write to a
    Windows console.
    """
    present = sys.stderr
    if not isinstance(present, io.TextIOWrapper) or present.isatty():
        return
    raw = _BestEffort(present.fileno(), "w", closefd=False)
    sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(raw), encoding=present.encoding, errors="backslashreplace", line_buffering=True
    )


def drop_output() -> None:
    """Discard what is still to be written to stdout: it failed once, and would fail again."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)


class _BestEffort(io.FileIO):
    """A file that accepts everything written to it, even if it can't be written."""

    def write(self, data: "ReadableBuffer", /) -> int:
        try:
            written = super().write(data)
        except OSError:
            written = None
        return len(memoryview(data).cast("B")) if written is None else written
