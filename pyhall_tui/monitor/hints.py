"""What a stream of changes hints at, and when the engine asks about it. A hint never says how anything stands.

Whatever a stream says, hints take at most a quarter of the rate limit, so the polling beside them goes on. A first hint
is followed at once. If hints at the ban list come to nothing, because the list is unchanged, they are followed more and
more slowly, up to its usual interval.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Final, Protocol

SHARE: Final = 0.25
"""The share of the rate limit that hints may take."""
MOST_WORKERS: Final = 1_000
"""Workers that wait because of hints. If there are more, the sweep finds the others within its interval."""
_SOONEST: Final = 0.2
"""Seconds between two hinted requests for the ban list, at least."""
_TIMES_AS_LONG: Final = 4.0
"""Times as long as the ban list took, no hint makes us ask for it again, but never longer than its interval."""
_MOST_DOUBLED: Final = 10
"""Each hint at the ban list that came to nothing doubles the pause after it, that many times."""
_FORGIVEN: Final = 30.0
"""Seconds without a hint after which it is forgotten that hints came to nothing."""
_ALL_AGAIN: Final = 10.0
"""Seconds until all workers count as hinted at again."""
_SAVED_UP: Final = 0.5
"""Seconds of hinted requests that may be sent at once after a pause."""


class Watched(Protocol):
    """The workers that are watched."""

    def __contains__(self, worker_id: str) -> bool: ...

    def ids(self) -> Iterable[str]:
        """Return them, those verified longest ago first."""
        ...


class Hints:
    """Pure: it is given the time, in seconds on the monotonic clock."""

    def __init__(self, rate: Callable[[], float], watched: Watched) -> None:
        """Start without hints. `rate` returns the requests per second that are allowed now."""
        self._rate, self._watched = rate, watched
        self._wants_list = False
        self._list_at = float("-inf")
        """When the ban list may be asked for at the earliest."""
        self._empty = 0
        """How many hinted ban lists in a row were unchanged."""
        self._hinted_at = float("-inf")
        """When the ban list was last asked for because of a hint."""
        self._follows_hint = False
        """Whether the ban list under way was asked for because of a hint."""
        self._workers: OrderedDict[str, None] = OrderedDict()
        self._wants_all = False
        self._all_at = float("-inf")
        """When all workers may be hinted at again, at the earliest."""
        self._paid_until = float("-inf")
        """When all that was sent because of hints would have been sent at their share of the rate."""

    def at_list(self) -> None:
        """Note that the ban list may have changed."""
        self._wants_list = True

    def at_worker(self, worker_id: str) -> None:
        """Note that a worker may have changed; one that nobody watches doesn't count."""
        if worker_id in self._watched and len(self._workers) < MOST_WORKERS:
            self._workers[worker_id] = None

    def at_all(self) -> None:
        """Note that the ban list and any worker may have changed."""
        self._wants_list = self._wants_all = True

    def list_due(self) -> float:
        """Return when the ban list is to be asked for because of a hint; infinity for never."""
        return max(self._list_at, self._paid_until - _SAVED_UP) if self._wants_list else float("inf")

    def list_sent(self, now: float) -> None:
        """Note that the ban list is asked for, whatever the reason: what was hinted at before will be in its answer."""
        self._follows_hint = self._wants_list
        if self._wants_list:
            self._pay(now)
            if now - self._hinted_at > _FORGIVEN:
                self._empty = 0
            self._hinted_at = now
        self._wants_list = False

    def list_came(self, now: float, took: float, interval: float, *, unchanged: bool) -> None:
        """Note how the request for the ban list ended; one that failed is `unchanged`. All times are seconds.

        Args:
            interval: until the ban list is asked for again without a hint.
        """
        if not unchanged:
            self._empty = 0
        elif self._follows_hint:
            self._empty += 1
        doubled = min(self._empty, _MOST_DOUBLED) if self._follows_hint else 0
        pause = max(_SOONEST, _TIMES_AS_LONG * took) * 2.0**doubled
        soonest = now + min(pause, interval)
        self._list_at = max(self._list_at, soonest) if unchanged else soonest

    def workers_due(self, now: float) -> list[str]:
        """Take out those to verify next, in the order of the hints."""
        if self._wants_all and now >= self._all_at:
            self._wants_all, self._all_at = False, now + _ALL_AGAIN
            self._workers.update(dict.fromkeys(islice(self._watched.ids(), MOST_WORKERS - len(self._workers))))
        due = []
        while self._workers and self._paid_until - _SAVED_UP <= now:
            due.append(self._workers.popitem(last=False)[0])
            self._pay(now)
        return due

    def wait(self, now: float) -> float:
        """Return the seconds until a worker is due; infinity if none waits."""
        of_all = max(0.0, self._all_at - now) if self._wants_all else float("inf")
        return min(of_all, max(0.0, self._paid_until - _SAVED_UP - now) if self._workers else float("inf"))

    def share(self, now: float) -> float:
        """Return the share of the rate that hints take: 0 unless some have to wait for it."""
        return SHARE if (self._workers or self._wants_list) and self._paid_until - _SAVED_UP > now else 0.0

    def _pay(self, now: float) -> None:
        self._paid_until = max(self._paid_until, now) + 1 / max(self._rate() * SHARE, 1e-9)
