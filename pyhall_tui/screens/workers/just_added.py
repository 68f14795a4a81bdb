"""The workers that were just put on the watch list: which of them the registry does not know."""

from collections.abc import Sequence
from itertools import islice
from typing import Final

from textual.screen import Screen

from pyhall_tui.fleet.entry import Entry
from pyhall_tui.fleet.fleet import Fleet
from pyhall_tui.render.text import clean
from pyhall_tui.widgets.key_bar import key_name
from pyhall_tui.widgets.late import in_next_turn

_MOST_NAMED: Final = 3
_MOST_AT_ONCE: Final = 5_000
"""Workers that are looked at in one call: it takes two milliseconds."""


class JustAdded:
    """Follows the workers of one entry until the registry has answered about each."""

    def __init__(self, ids: Sequence[str]) -> None:
        self._ids = ids
        self._answered = 0
        """How many of them, from the first, have an answer or an error, or are no longer watched."""
        self._unknown: list[str] = []
        self._is_reported = False

    def unknown(self, fleet: Fleet) -> list[str]:
        """Return those that are still watched, and that the registry has said it does not know."""
        return [each for each in self._ids if is_unknown(fleet.get(each))]

    def report(self, fleet: Fleet, screen: Screen[None]) -> None:
        """Say once, as soon as every worker has an answer or an error, which of them the registry does not know.

        Each worker is looked at once: a call stops at the first that has no answer, or after a few thousand.
        """
        if self._is_reported:
            return
        for worker_id in islice(self._ids, self._answered, self._answered + _MOST_AT_ONCE):
            entry = fleet.get(worker_id)
            if entry is not None and entry.verdict is None and not entry.error:
                return
            self._answered += 1
            if is_unknown(entry):
                self._unknown.append(worker_id)
        if self._answered < len(self._ids):
            in_next_turn(screen, self.report, fleet, screen)
            return
        self._is_reported = True
        if ids := [each for each in self._unknown if is_unknown(fleet.get(each))]:
            named = ", ".join(clean(each, 40) for each in ids[:_MOST_NAMED])
            more = f" and {len(ids) - _MOST_NAMED:,} more" if len(ids) > _MOST_NAMED else ""
            drop = f"Press {key_name(screen, 'workers.drop_unknown', 'X')} to drop {'it' if len(ids) == 1 else 'them'}."
            of = f" {len(ids):,} of {len(self._ids):,}:" if len(self._ids) > 1 else ""
            text = f"The registry does not know{of} {named}{more}. {drop}"
            screen.notify(text, severity="warning", timeout=15, markup=False)


def is_unknown(entry: Entry | None) -> bool:
    """Whether the registry has said that it does not know a worker."""
    return entry is not None and entry.verdict is not None and not entry.verdict.known
