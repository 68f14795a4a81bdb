"""The workers that were marked in a table when you went to the matrix: what `@marked` stands for there."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from pyhall_tui.dispatch.matrix import NothingChosen, choose

WORD: Final = "@marked"
"""Stands for them in the field of workers. Ids would not fit: there may be thousands."""


class MarkedWorkers:
    """Which were marked then; those that are off the watch list by now are left out."""

    def __init__(self) -> None:
        self._ids: tuple[str, ...] = ()

    def take(self, ids: Sequence[str]) -> None:
        """Take others in their place."""
        self._ids = tuple(ids)

    def chosen(
        self, names: Sequence[str], watched: Iterable[str], is_watched: Callable[[str], bool]
    ) -> tuple[str, ...]:
        """Return the workers that names, patterns and the word choose.

        Raises:
            NothingChosen: they choose nothing; the message is a sentence.
        """
        others = [name for name in names if name != WORD]
        if len(others) == len(names):
            return choose(names, watched, "worker")
        marked = [each for each in self._ids if is_watched(each)]
        if not marked:
            raise NothingChosen(f"{WORD} stands for no worker now: mark some on the workers screen and test them.")
        return tuple(dict.fromkeys([*marked, *(choose(others, watched, "worker") if others else ())]))

    def said(self, names: Sequence[str], is_watched: Callable[[str], bool]) -> str:
        """Return what to say of those that are left out; empty if nothing is."""
        gone = sum(not is_watched(each) for each in self._ids) if WORD in names else 0
        return f" · {gone:,} marked {'is' if gone == 1 else 'are'} not watched any more" if gone else ""
