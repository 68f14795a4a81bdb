"""What the screen of the log lists: the rows of this run, filtered; held back while you read."""

from enum import StrEnum
from typing import Final

from pyhall_tui.feeds.news import Tone
from pyhall_tui.feeds.run_log import Kind, LogRow, RunLog


class View(StrEnum):
    """Which rows are listed."""

    ALL = "all"
    REQUESTS = "requests"
    FAULTS = "faults"
    """What went wrong: also the requests that failed."""
    NEWS = "news"


_KIND: Final = {View.REQUESTS: Kind.REQUEST, View.NEWS: Kind.NEWS}


class RunLogFeed:
    """The rows as of the last `pull`. The log itself keeps what comes meanwhile."""

    def __init__(self, log: RunLog) -> None:
        self._log = log
        self._rows: dict[str, LogRow] = {}
        """By number as text, newest first."""
        self._newest = 0
        self.view = View.ALL
        self.text = ""
        """The text that a row must contain."""

    @property
    def waiting(self) -> int:
        """How many rows came since the last `pull`."""
        return self._log.newest - self._newest

    @property
    def dropped(self) -> dict[Kind, int]:
        """How many rows of each kind were too old to keep."""
        return self._log.dropped

    @property
    def total(self) -> int:
        """How many rows are here, whatever the filter."""
        return len(self._rows)

    def pull(self) -> bool:
        """Take what came; return whether there was anything."""
        if not self.waiting:
            return False
        rows = self._log.since(0)
        self._newest = rows[-1].number
        self._rows = {str(row.number): row for row in reversed(rows)}
        return True

    def get(self, key: str | None) -> LogRow | None:
        """Return a row."""
        return self._rows.get(key or "")

    def keys(self) -> list[str]:
        """Return what passes the filter, newest first."""
        wanted = self.text.casefold()
        return [key for key, row in self._rows.items() if self._is_in_view(row) and wanted in _haystack(row, wanted)]

    def _is_in_view(self, row: LogRow) -> bool:
        if self.view is View.FAULTS:
            return row.kind is Kind.FAULT or (row.kind is Kind.REQUEST and row.tone is not Tone.NOTE)
        return _KIND.get(self.view, row.kind) is row.kind


def _haystack(row: LogRow, wanted: str) -> str:
    if not wanted:
        return ""
    return "\n".join((row.kind, row.tone, row.text, row.status, row.profile, row.correlation_id)).casefold()
