"""The last changes of our own lists (who is watched, what is acknowledged or silenced), each with what undoes it."""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from pyhall_tui.fleet.entry import Entry
from pyhall_tui.profiles.watch_list import WatchedWorker

if TYPE_CHECKING:
    from pyhall_tui.threads.in_turn import InTurn

Undo: TypeAlias = Callable[[], str | Awaitable[str]]
"""Undoes a change."""
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
        self._undoes: deque[Undo] = deque(maxlen=MOST)
        self._in_turn: InTurn | None = None

    @property
    def in_turn(self) -> "InTurn":
        """Where changes that take long are made: one, or undoing it, begins after the one before has ended."""
        if self._in_turn is None:
            from pyhall_tui.threads.in_turn import InTurn  # not before the first frame

            self._in_turn = InTurn()
        return self._in_turn

    def add(self, undo: Undo) -> None:
        """Note a change. `undo` undoes it, and returns a sentence that says so, or raises a `ValueError` with one."""
        self._undoes.append(undo)

    async def undo(self) -> str:
        """Undo the last change, and return a sentence about it. What could not be undone can be tried again.

        A change that is under way is the last one, once it is done.
        """
        return await self.in_turn.do(self._undo)

    async def _undo(self) -> str:
        if not self._undoes:
            return "There is nothing to undo. What was sent to a registry can't be undone here."
        undo = self._undoes.pop()
        try:
            said = undo()
            return said if isinstance(said, str) else await said
        except ValueError as wrong:
            self._undoes.append(undo)
            return f"Not undone: {wrong}"


def said_workers(ids: Sequence[str]) -> str:
    """Return how a sentence about a change names workers: the one, or how many."""
    return ids[0][:80] if len(ids) == 1 else f"{len(ids):,} workers"
