"""The state of each source, the ban list and the verifies: when it last answered, and what it fails with."""

import msgspec

_NEWEST_COUNTS = 0.2
"""The newest answer's share in the smoothed answer time."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one kind of request. Times are seconds on the monotonic clock."""

    word: str = ""
    """What it fails with: a status (`403`), or two words (`timed out`). Empty if it does not fail."""
    answered: float | None = None
    """When it last answered, whatever it said."""
    unheard: float | None = None
    """When a request last ended without an answer."""
    failures: int = 0
    """Requests that have failed since it started to fail."""
    took: float = 0.0
    """Smoothed answer time in seconds."""


class SourceRecord:
    """Counts the results of one kind of request. Pure: times are seconds on the monotonic clock."""

    def __init__(self) -> None:
        self._answered: float | None = None
        self._unheard: float | None = None
        self._took: float | None = None
        self.failures = 0
        """Requests that have failed since the count started."""
        self.failing_since: float | None = None
        """When the first of these came back."""

    def begin_count(self) -> None:
        """Start counting failures from zero."""
        self.failures, self.failing_since = 0, None

    def answered(self, now: float, took: float) -> None:
        """Record an answer, good or bad, and the seconds that it took."""
        self._answered = now
        self._took = took if self._took is None else self._took + _NEWEST_COUNTS * (took - self._took)

    def failed(self, now: float, *, heard: bool) -> None:
        """Count a failure; `heard`: an answer came, so it is recorded as such too."""
        self.failures += 1
        if self.failing_since is None:
            self.failing_since = now
        if not heard:
            self._unheard = now

    def now_with(self, word: str) -> Source:
        """Return its current state, failing with `word`."""
        return Source(
            word=word,
            answered=self._answered,
            unheard=self._unheard,
            failures=self.failures,
            took=self._took or 0.0,
        )
