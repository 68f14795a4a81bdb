"""Moves what is recorded to a profile's new name, whether its journal is open or not."""

from pathlib import Path

from pyhall_tui.clock import Clock
from pyhall_tui.journal.journal import Journal

_WITHIN = 5.0
"""Seconds within which it is usually written."""


def move_records(journal: Journal | None, data: Path, clock: Clock, old: str, new: str) -> str:
    """Move them, and wait until they are; return what went wrong, or nothing. Never call it on the UI's thread.

    `journal` is the one that is open, if any; `data` is the folder of the file.
    """
    path = data / "journal.db"
    if journal is not None and journal.is_in(path):
        return _moved(journal, old, new)
    if not path.exists():
        return ""
    with Journal.open(path, clock) as ours:
        return _moved(ours, old, new)


def _moved(journal: Journal, old: str, new: str) -> str:
    journal.rename(old, new)
    if journal.flush(_WITHIN) and not journal.troubles:
        return ""
    why = " ".join(journal.troubles) or "The disk does not answer."
    return f"What is recorded under {old} could not be moved yet. {why}"
