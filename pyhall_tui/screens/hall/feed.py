"""The decisions of a hall as they come: one row each, filtered, paused, bounded."""

from collections.abc import Iterable

from pyhall_tui.registry.local_hall import MOST_DECISIONS, HallDecision
from pyhall_tui.render.hall import haystack

MOST = 5_000
"""Decisions held; the oldest are let go."""


class DecisionFeed:
    """What the feed shows. It asks nobody: answers are put in."""

    def __init__(self) -> None:
        self._known: dict[str, HallDecision] = {}
        """Oldest first."""
        self._held: dict[str, HallDecision] = {}
        self._words: dict[str, str] = {}
        self.text = ""
        """What a decision has to have in one of its fields, to be shown."""
        self.paused = False
        self.is_loaded = False
        self.newest_seq = 0
        """The greatest number that was seen: newer ones alone are asked for."""
        self.missed = False
        """Whether so many came at once that some of them are not listed."""

    @property
    def held(self) -> int:
        """How many came while it was paused."""
        return len(self._held)

    @property
    def total(self) -> int:
        """How many are held, whatever the filter."""
        return len(self._known)

    def get(self, key: str | None) -> HallDecision | None:
        """Return a decision that is shown."""
        return self._known.get(key or "")

    def take(self, newest_first: Iterable[HallDecision]) -> None:
        """Take an answer; what is known of it already stays where it is."""
        came = [each for each in reversed(list(newest_first)) if each.key not in self._words]
        self.missed |= self.is_loaded and len(came) >= MOST_DECISIONS
        self.is_loaded = True
        self.newest_seq = max([self.newest_seq, *(each.seq or 0 for each in came)])
        for each in came:
            (self._held if self.paused else self._known)[each.key] = each
            self._words[each.key] = haystack(each)
        self._let_go()

    def pause(self, *, paused: bool) -> None:
        """Hold back what comes from now on, or show what was held back."""
        self.paused = paused
        if not paused:
            self._known |= self._held
            self._held = {}
            self._let_go()

    def keys(self) -> list[str]:
        """Return what is shown, newest first."""
        wanted = self.text.casefold()
        return [key for key in reversed(self._known) if wanted in self._words[key]]

    def _let_go(self) -> None:
        for rows in (self._known, self._held):
            while len(rows) > MOST:
                self._words.pop(key := next(iter(rows)), None)
                del rows[key]
