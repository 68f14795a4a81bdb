"""The last changes of our own lists (who is watched, what is acknowledged or silenced), each with what undoes it."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from pyhall_tui.fleet.entry import Entry
from pyhall_tui.profiles.watch_list import WatchedWorker

MOST: Final = 10
"""How many of the last changes can be undone."""


class Unwatched(NamedTuple):
    """What taking workers off the watch list removed, so that it can be put back."""

    watched: tuple[WatchedWorker, ...]
    entries: tuple[Entry, ...]

    @property
    def ids(self) -> list[str]:
        """The workers' ids."""
        return [entry.worker_id for entry in self.entries]


class OwnChanges:
    """One stack for everything that you change here, whichever screen you change it on. Nothing of it is sent."""

    def __init__(self) -> None:
        self._undoes: deque[Callable[[], str]] = deque(maxlen=MOST)

    def add(self, undo: Callable[[], str]) -> None:
        """Note a change. `undo` undoes it, and returns a sentence that says so, or raises a `ValueError` with one."""
        self._undoes.append(undo)

    def undo(self) -> str:
        """Undo the last change, and return a sentence about it. What could not be undone can be tried again."""
        if not self._undoes:
            return "There is nothing to undo. What was sent to a registry can't be undone here."
        undo = self._undoes.pop()
        try:
            return undo()
        except ValueError as wrong:
            self._undoes.append(undo)
            return f"Not undone: {wrong}"


def said_workers(ids: Sequence[str]) -> str:
    """Return how a sentence about a change names workers: the one, or how many."""
    return ids[0][:80] if len(ids) == 1 else f"{len(ids):,} workers"
