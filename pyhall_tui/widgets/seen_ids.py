"""The ids that a feed has shown so far, for a table's columns of ids."""

from collections.abc import Iterable, Sequence
from typing import Final

_MOST: Final = 20_000
"""More are not remembered: then those in the feed now are."""


class SeenIds:
    """Ids in no order. None goes while the feed runs, so that no column becomes narrower under your eyes."""

    def __init__(self) -> None:
        self._all: Sequence[str] = ()
        self._known: set[str] = set()

    def __call__(self) -> Sequence[str]:
        """Return all of them, in an object that is replaced if one is added."""
        return self._all

    def see(self, ids: Iterable[str | None]) -> None:
        """Add the ids that are in the feed now."""
        now = {each for each in ids if each}
        if now <= self._known:
            return
        self._known = self._known | now if len(self._known) + len(now) <= _MOST else now
        self._all = tuple(self._known)
