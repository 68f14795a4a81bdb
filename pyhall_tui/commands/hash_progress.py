"""How far hashing a package is, on standard error if that is a terminal."""

import sys
from collections.abc import Callable

from pyhall_tui.files.sizes import amount
from pyhall_tui.packages.package_hash import HashProgress


def progress() -> Callable[[HashProgress], None] | None:
    """Return what shows the progress, or None if stderr is not a terminal."""
    return _show_progress if sys.stderr.isatty() else None


def _show_progress(progress: HashProgress) -> None:
    if progress.files_total == 0:
        text = "listing…"
    else:
        share = progress.bytes_done * 100 // progress.bytes_total if progress.bytes_total else 100
        text = f"{share:3} %  {amount(progress.bytes_done)} of {amount(progress.bytes_total)}"
        text += f"  {progress.files_done:,} of {progress.files_total:,} file{'s' * (progress.files_total != 1)}"
    sys.stderr.write(f"\r\x1b[K{text}")
    sys.stderr.flush()


def clear_progress() -> None:
    """Take the progress off the terminal."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
