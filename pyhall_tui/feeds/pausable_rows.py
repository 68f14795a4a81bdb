"""Rows as they arrive: shown at once, or held back while paused."""

from collections.abc import Mapping
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class PausableRows(Generic[K, V]):
    """Rows by key. A row that arrives again replaces the previous one."""

    def __init__(self) -> None:
        self.shown: dict[K, V] = {}
        self.held: dict[K, V] = {}
        """What arrived during the pause."""
        self.paused = False

    def take(self, rows: Mapping[K, V]) -> None:
        """Add new rows; while paused, hold them back."""
        (self.held if self.paused else self.shown).update(rows)

    def pause(self, *, paused: bool) -> None:
        """Hold back new rows from now on, or show those that were held back."""
        self.paused = paused
        if not paused:
            self.shown |= self.held
            self.held = {}
