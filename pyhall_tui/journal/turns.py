"""Begins a transaction when it is this program's turn to write: whoever has waited longest comes first.

SQLite's own wait is the opposite: the longer it lasts, the less often it looks (in the end every 0.1 s), so whoever
comes later gets the file, and one of several busy programs may wait for seconds.
"""

import math
import sqlite3
import time
from collections.abc import Callable

from pyhall_tui.journal.open_file import code_of

PATIENCE_MS = 2_000
"""Milliseconds to wait for other programs' transactions at most."""
_AT_FIRST, _AT_LAST = 0.032, 0.0005
"""Seconds between two looks."""
_HALVED_EVERY = 0.05
"""Seconds of waiting after which it looks twice as often."""


def begin(connection: sqlite3.Connection, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Begin a transaction that writes; wait for those of other programs. `meanwhile` is called before each look.

    Raises:
        sqlite3.Error: the file can't be written, or the others take longer than `PATIENCE_MS`.
    """
    since = time.monotonic()
    connection.execute("PRAGMA busy_timeout=0")
    try:
        meanwhile()
        while not _is_begun(connection, waited := time.monotonic() - since):
            time.sleep(pause_after(waited))
            meanwhile()
    finally:
        connection.execute(f"PRAGMA busy_timeout={PATIENCE_MS}")


def pause_after(waited: float) -> float:
    """Return the seconds until the next look, after so many seconds of waiting."""
    return max(_AT_LAST, _AT_FIRST * math.exp2(-waited / _HALVED_EVERY))


def _is_begun(connection: sqlite3.Connection, waited: float) -> bool:
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if code_of(error) != sqlite3.SQLITE_BUSY or waited * 1000 > PATIENCE_MS:
            raise
        return False
    return True
