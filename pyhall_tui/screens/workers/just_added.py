"""The workers that were just put on the watch list: which of them the registry does not know."""

from collections.abc import Sequence
from typing import Final

from textual.screen import Screen

from pyhall_tui.fleet.fleet import Fleet
from pyhall_tui.render.text import clean
from pyhall_tui.widgets.key_bar import key_name

_MOST_NAMED: Final = 3


class JustAdded:
    """Follows the workers of one entry until the registry has answered about each."""

    def __init__(self, ids: Sequence[str]) -> None:
        self._ids = ids
        self._is_reported = False

    def unknown(self, fleet: Fleet) -> list[str]:
        """Return those that are still watched, and that the registry has said it does not know."""
        entries = filter(None, map(fleet.get, self._ids))
        return [each.worker_id for each in entries if each.verdict is not None and not each.verdict.known]

    def report(self, fleet: Fleet, screen: Screen[None]) -> None:
        """Say once, as soon as every worker has an answer or an error, which of them the registry does not know."""
        entries = [*filter(None, map(fleet.get, self._ids))]
        if self._is_reported or any(each.verdict is None and not each.error for each in entries):
            return
        self._is_reported = True
        if ids := self.unknown(fleet):
            named = ", ".join(clean(each, 40) for each in ids[:_MOST_NAMED])
            more = f" and {len(ids) - _MOST_NAMED:,} more" if len(ids) > _MOST_NAMED else ""
            drop = f"Press {key_name(screen, 'workers.drop_unknown', 'X')} to drop them."
            text = f"The registry does not know {len(ids):,} of {len(self._ids):,}: {named}{more}. {drop}"
            screen.notify(text, severity="warning", timeout=15, markup=False)
