"""Rows as they come: shown at once, or held back while paused."""

from collections.abc import Mapping
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class PausableRows(Generic[K, V]):
    """Rows by key. A row that comes again replaces the one before."""

    def __init__(self) -> None:
        self.shown: dict[K, V] = {}
        self.held: dict[K, V] = {}
        """What came while it was paused."""
        self.paused = False

    def take(self, rows: Mapping[K, V]) -> None:
        """Take new rows; while paused, hold them back."""
        (self.held if self.paused else self.shown).update(rows)

    def pause(self, *, paused: bool) -> None:
        """Hold back what comes from now on, or show what was held back."""
        self.paused = paused
        if not paused:
            self.shown |= self.held
            self.held = {}
