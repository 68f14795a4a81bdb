"""The decisions of a hall as they come: one row each, filtered, paused, bounded."""

from collections.abc import Iterable

from pyhall_tui.feeds.pausable_rows import PausableRows
from pyhall_tui.registry.local_hall import MOST_DECISIONS, HallDecision

MOST = 5_000
"""Decisions held; the oldest are let go."""


class DecisionFeed:
    """What the feed shows. It asks nobody: answers are put in."""

    def __init__(self) -> None:
        self._rows: PausableRows[str, HallDecision] = PausableRows()
        """Oldest first."""
        self._words: dict[str, str] = {}
        self.text = ""
        """What a decision has to have in one of its fields, to be shown."""
        self.is_loaded = False
        self.newest_seq = 0
        """The greatest number that was seen: newer ones alone are asked for."""
        self.missed = False
        """Whether so many came at once that some of them are not listed."""

    @property
    def paused(self) -> bool:
        """Whether new decisions are held back."""
        return self._rows.paused

    @property
    def held(self) -> int:
        """How many came while it was paused."""
        return len(self._rows.held)

    @property
    def total(self) -> int:
        """How many are held, whatever the filter."""
        return len(self._rows.shown)

    def get(self, key: str | None) -> HallDecision | None:
        """Return a decision that is shown."""
        return self._rows.shown.get(key or "")

    def take(self, newest_first: Iterable[HallDecision]) -> None:
        """Take an answer; what is known of it already stays where it is."""
        came = [each for each in reversed(list(newest_first)) if each.key not in self._words]
        self.missed |= self.is_loaded and len(came) >= MOST_DECISIONS
        self.is_loaded = True
        self.newest_seq = max([self.newest_seq, *(each.seq or 0 for each in came)])
        self._rows.take({each.key: each for each in came})
        self._words |= {each.key: _haystack(each) for each in came}
        self._let_go()

    def pause(self, *, paused: bool) -> None:
        """Hold back what comes from now on, or show what was held back."""
        self._rows.pause(paused=paused)
        self._let_go()

    def keys(self) -> list[str]:
        """Return what is shown, newest first."""
        wanted = self.text.casefold()
        return [key for key in reversed(self._rows.shown) if wanted in self._words[key]]

    def _let_go(self) -> None:
        for rows in (self._rows.shown, self._rows.held):
            while len(rows) > MOST:
                self._words.pop(key := next(iter(rows)), None)
                del rows[key]


def _haystack(decision: HallDecision) -> str:
    """Return all that a filter looks in, in lower case."""
    values = (decision.outcome.value, *map(str, decision.fields.values()))
    return "\n".join(values).casefold()
