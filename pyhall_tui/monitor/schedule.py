"""Whom to verify next. Three lanes share the budget, so that what matters is freshest and nobody starves.

1. *forward*: asked for at once (a person, a worker that the ban list names);
2. *watched closely*: rows on screen, the opened worker, what changed lately; each again after `close_interval`;
3. *sweep*: the worker that was asked longest ago, one each `interval / N` seconds, so that all are visited within
   the interval, spread evenly.

While the sweep is due, the other two lanes together get at most three requests of four.
"""

from collections import OrderedDict
from collections.abc import Iterable

_MARGIN = 0.95
"""The sweep's round is a little shorter than the interval, so that a late answer is still within it."""
_LANE_SHARE = 3
"""Requests of the other lanes to one of a sweep that is due."""
_MOST_LATELY = 200
"""Workers watched closely because they changed: where thousands change at once, the sweep is what serves."""


class Schedule:
    """The order of verifies. Pure: it is told the time, in seconds on the monotonic clock."""

    def __init__(self, interval: float, close_interval: float) -> None:
        self.interval = interval
        self.close_interval = close_interval
        self._asked: OrderedDict[str, float] = OrderedDict()
        """Worker id -> when last asked, the one longest ago first; never asked is minus infinity."""
        self._forward: OrderedDict[str, None] = OrderedDict()
        self._close: set[str] = set()
        self._lately: OrderedDict[str, float] = OrderedDict()
        """Workers that changed lately -> until when they are watched closely."""
        self._in_flight: set[str] = set()
        self._sweep_at = float("-inf")
        self._since_sweep = 0

    def __len__(self) -> int:
        return len(self._asked)

    def watch(self, worker_ids: Iterable[str]) -> None:
        """Add workers; those never asked come first in the sweep, in the order given."""
        new = [worker_id for worker_id in worker_ids if worker_id not in self._asked]
        for worker_id in new:
            self._asked[worker_id] = float("-inf")
        for worker_id in reversed(new):
            self._asked.move_to_end(worker_id, last=False)

    def unwatch(self, worker_ids: Iterable[str]) -> None:
        """Forget workers."""
        for worker_id in worker_ids:
            self._asked.pop(worker_id, None)
            self._forward.pop(worker_id, None)
            self._lately.pop(worker_id, None)
            self._close.discard(worker_id)

    def bring_forward(self, worker_ids: Iterable[str]) -> None:
        """Ask for these next."""
        for worker_id in worker_ids:
            if worker_id in self._asked:
                self._forward[worker_id] = None

    def watch_closely(self, worker_ids: Iterable[str]) -> None:
        """Set whom the operator looks at; it replaces the last such set."""
        self._close = {worker_id for worker_id in worker_ids if worker_id in self._asked}

    def changed(self, worker_id: str, now: float) -> None:
        """Watch closely, for an interval, a worker that changed."""
        if worker_id in self._asked:
            self._lately[worker_id] = now + self.interval
            self._lately.move_to_end(worker_id)
            if len(self._lately) > _MOST_LATELY:
                self._lately.popitem(last=False)

    def next(self, now: float) -> tuple[str | None, float]:
        """Return whom to ask now, or None and the seconds until somebody is due (infinity for nobody)."""
        sweep, sweep_wait = self._sweep_candidate(now)
        sweep_is_due = sweep is not None and sweep_wait <= 0
        if not (sweep_is_due and self._since_sweep >= _LANE_SHARE):
            urgent, urgent_wait = self._urgent_candidate(now)
            if urgent is not None:
                return self._take(urgent, now, swept=False), 0.0
            sweep_wait = min(sweep_wait, urgent_wait)
        if sweep_is_due and sweep is not None:
            return self._take(sweep, now, swept=True), 0.0
        return None, sweep_wait

    def came_back(self, worker_id: str) -> None:
        """Note that the worker's request is no longer in flight."""
        self._in_flight.discard(worker_id)

    def probe(self, now: float) -> str | None:
        """Return one worker to try a lost registry with, whoever is due or not; None where all are in flight."""
        for worker_id in (*self._forward, *self._asked):
            if worker_id not in self._in_flight:
                return self._take(worker_id, now, swept=False)
        return None

    def round_time(self, rate: float) -> float:
        """Return the seconds one round of the sweep takes at `rate` requests a second, its least share assumed."""
        urgent = min(
            len(self._close | self._lately.keys()) / self.close_interval, rate * _LANE_SHARE / (_LANE_SHARE + 1)
        )
        return len(self._asked) / max(rate - urgent, 1e-9)

    def _take(self, worker_id: str, now: float, *, swept: bool) -> str:
        if swept:
            gap = self.interval * _MARGIN / len(self._asked)
            self._sweep_at = gap + min(max(self._sweep_at, now - gap), now)
            self._since_sweep = 0
        else:
            self._since_sweep += 1
        self._forward.pop(worker_id, None)
        self._in_flight.add(worker_id)
        self._asked[worker_id] = now
        self._asked.move_to_end(worker_id)
        return worker_id

    def _sweep_candidate(self, now: float) -> tuple[str | None, float]:
        for worker_id, asked in self._asked.items():
            if worker_id in self._in_flight:
                continue
            overdue = now - asked > self.interval
            return worker_id, 0.0 if overdue else max(0.0, self._sweep_at - now)
        return None, float("inf")

    def _urgent_candidate(self, now: float) -> tuple[str | None, float]:
        for worker_id in self._forward:
            if worker_id not in self._in_flight:
                return worker_id, 0.0
        while self._lately and next(iter(self._lately.values())) <= now:
            self._lately.popitem(last=False)
        close = [worker_id for worker_id in (*self._close, *self._lately) if worker_id not in self._in_flight]
        if not close:
            return None, float("inf")
        oldest = min(close, key=lambda worker_id: (self._asked[worker_id], worker_id))
        wait = self._asked[oldest] + self.close_interval - now
        return (oldest, 0.0) if wait <= 0 else (None, wait)
