"""A hall's decisions as they arrive: one row each, filtered, paused, limited in number."""

from collections.abc import Iterable, Iterator

from pyhall_tui.feeds.pausable_rows import PausableRows
from pyhall_tui.registry.local_hall import MOST_DECISIONS, HallDecision

MOST = 5_000
"""Decisions kept; the oldest are dropped."""


class DecisionFeed:
    """What the feed shows. It requests nothing: others add answers."""

    def __init__(self) -> None:
        self._rows: PausableRows[str, HallDecision] = PausableRows()
        """Oldest first."""
        self._words: dict[str, str] = {}
        self.text = ""
        """The text that one of a shown decision's fields must contain."""
        self.is_loaded = False
        self.newest_seq = 0
        """The highest number seen: only newer ones are requested."""
        self.missed = False
        """Whether too many came at once to list them all."""

    @property
    def paused(self) -> bool:
        """Whether new decisions are held back."""
        return self._rows.paused

    @property
    def held(self) -> int:
        """How many arrived during the pause."""
        return len(self._rows.held)

    @property
    def total(self) -> int:
        """How many are kept, whatever the filter."""
        return len(self._rows.shown)

    def get(self, key: str | None) -> HallDecision | None:
        """Return a shown decision."""
        return self._rows.shown.get(key or "")

    def take(self, newest_first: Iterable[HallDecision]) -> None:
        """Add an answer; decisions that are known already stay in place."""
        came = [each for each in reversed(list(newest_first)) if each.key not in self._words]
        self.missed |= self.is_loaded and len(came) >= MOST_DECISIONS
        self.is_loaded = True
        self.newest_seq = max([self.newest_seq, *(each.seq or 0 for each in came)])
        self._rows.take({each.key: each for each in came})
        self._words |= {each.key: _haystack(each) for each in came}
        self._let_go()

    def pause(self, *, paused: bool) -> None:
        """Hold back new decisions from now on, or show those that were held back."""
        self._rows.pause(paused=paused)
        self._let_go()

    def keys(self) -> list[str]:
        """Return what is shown, newest first."""
        wanted = self.text.casefold()
        return [key for key in reversed(self._rows.shown) if wanted in self._words[key]]

    def worker_ids(self) -> Iterator[str | None]:
        """Yield the workers of all decisions that are kept, whatever the filter."""
        return (each.worker_id for each in self._rows.shown.values())

    def _let_go(self) -> None:
        for rows in (self._rows.shown, self._rows.held):
            while len(rows) > MOST:
                self._words.pop(key := next(iter(rows)), None)
                del rows[key]


def _haystack(decision: HallDecision) -> str:
    """Return the text that a filter searches, in lower case."""
    values = (decision.outcome.value, *map(str, decision.fields.values()))
    return "\n".join(values).casefold()
