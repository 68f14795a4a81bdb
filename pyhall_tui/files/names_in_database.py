"""Reads names from an SQLite file without changing it, making it or waiting for it: while you type at a prompt."""

import contextlib
import sqlite3
from pathlib import Path
from typing import Final

from pyhall_tui.files.regular_file import require_regular

_PATIENCE: Final = 0.5
"""Seconds to wait for a program that holds the file's lock."""


def names_in_database(path: Path, statement: str, *values: str) -> list[str]:
    """Return the texts in the first column of what a statement finds.

    Raises:
        OSError: there is no such file, or it isn't a regular one.
        sqlite3.Error: it can't be read, or has no such table.
    """
    require_regular(path.stat().st_mode, path)
    address = f"{path.resolve().as_uri()}?mode=ro"
    with contextlib.closing(sqlite3.connect(address, uri=True, timeout=_PATIENCE)) as connection:
        return [name for (name,) in connection.execute(statement, values) if isinstance(name, str)]
