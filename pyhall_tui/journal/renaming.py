"""Moves what is recorded to a renamed or deleted profile's other name, whether its journal is open or not."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from pyhall_tui.clock import Clock
from pyhall_tui.journal.journal import Journal

_WITHIN = 5.0
"""Seconds within which it is usually written."""


def move_records(journal: Journal | None, data: Path, clock: Clock, old: str, new: str) -> str:
    """Move them, and wait until they are; return what went wrong, or nothing. Never call it on the UI's thread.

    `journal` is the one that is open, if any; `data` is the folder of the file.
    """
    return _in_journal(journal, data, clock, lambda ours: ours.rename(old, new), old)


def put_records_aside(journal: Journal | None, data: Path, clock: Clock, profile: str, aside: str) -> str:
    """Put aside what a deleted profile recorded; otherwise as `move_records`."""
    return _in_journal(journal, data, clock, lambda ours: ours.put_aside(profile, aside), profile)


def name_aside(profile: str, clock: Clock) -> str:
    """Return the name that a profile's records have after it was deleted: `prod (deleted 2026-03-14 06:00:00Z)`."""
    return f"{profile} (deleted {datetime.fromtimestamp(clock.now().wall, UTC):%Y-%m-%d %H:%M:%SZ})"


def _in_journal(journal: Journal | None, data: Path, clock: Clock, move: Callable[[Journal], None], name: str) -> str:
    path = data / "journal.db"
    if journal is not None and journal.is_in(path):
        return _moved(journal, move, name)
    if not path.exists():
        return ""
    with Journal.open(path, clock) as ours:
        return _moved(ours, move, name)


def _moved(journal: Journal, move: Callable[[Journal], None], name: str) -> str:
    move(journal)
    if journal.flush(_WITHIN) and not journal.troubles:
        return ""
    why = " ".join(journal.troubles) or "The disk does not answer."
    return f"What is recorded under {name} could not be moved yet. {why}"
