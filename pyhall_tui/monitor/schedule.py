"""Which worker to verify next. Three lanes share the rate limit: what matters is freshest, and nobody starves.

1. *forward*: at once (you asked for it, or the ban list names the worker);
2. *watched closely*: rows on screen, the open worker, recent changes; each again after `close_interval`;
3. *sweep*: the worker verified longest ago, one every `interval / N` seconds, so that all are verified within
   the interval, spread evenly.

While the sweep is due, the other two lanes together get at most three out of four requests.

A worker whose verify fails is watched less closely each time, and all failing workers together get half of the slots,
so that they hold up nobody.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from operator import itemgetter

_MARGIN = 0.95
"""The sweep's round is a little shorter than the interval, so that a late answer is still within it."""
_LANE_SHARE = 3
"""Requests of the other lanes for each one of a sweep that is due."""
_MOST_DOUBLED = 6
"""Each failed verify doubles the interval at which a worker is watched closely, this many times."""
_MOST_LATELY = 200
"""Workers watched closely because they changed: if thousands change at once, the sweep handles them."""


class Schedule:
    """The order of verifies. Pure: it is given the time, in seconds on the monotonic clock."""

    def __init__(self, interval: float, close_interval: float, slots: int = 256) -> None:
        """Start without workers. `slots` is how many may be in flight; the intervals are in seconds."""
        self.interval = interval
        self.close_interval = close_interval
        self._most_failing = max(1, slots // 2)
        self._asked: OrderedDict[str, float] = OrderedDict()
        """Worker id -> when last verified, the longest ago first; minus infinity for never. Without failing workers."""
        self._failing: OrderedDict[str, float] = OrderedDict()
        """The same for workers whose last verify failed. Apart, so that nothing skips thousands of them each time."""
        self._forward: OrderedDict[str, None] = OrderedDict()
        self._close: set[str] = set()
        self._lately: OrderedDict[str, float] = OrderedDict()
        """Workers that changed recently -> until when they are watched closely."""
        self._in_flight: set[str] = set()
        self._failures: dict[str, int] = {}
        """Worker id -> failed verifies in a row; workers without failures are not in it."""
        self._failing_in_flight: set[str] = set()
        self._sweep_at = float("-inf")
        self._since_sweep = 0

    def __len__(self) -> int:
        return len(self._asked) + len(self._failing)

    def __contains__(self, worker_id: str) -> bool:
        return worker_id in self._asked or worker_id in self._failing

    def ids(self) -> Iterator[str]:
        """Yield all workers, those verified longest ago first; those whose verify fails come last."""
        yield from self._asked
        yield from self._failing

    def watch(self, worker_ids: Iterable[str]) -> None:
        """Add workers; those never verified come first in the sweep, in the order given."""
        new = [worker_id for worker_id in worker_ids if worker_id not in self]
        for worker_id in new:
            self._asked[worker_id] = float("-inf")
        for worker_id in reversed(new):
            self._asked.move_to_end(worker_id, last=False)

    def unwatch(self, worker_ids: Iterable[str]) -> None:
        """Forget workers."""
        for worker_id in worker_ids:
            self._asked.pop(worker_id, None)
            self._failing.pop(worker_id, None)
            self._forward.pop(worker_id, None)
            self._lately.pop(worker_id, None)
            self._failures.pop(worker_id, None)
            self._close.discard(worker_id)

    def bring_forward(self, worker_ids: Iterable[str]) -> None:
        """Verify these next."""
        for worker_id in worker_ids:
            if worker_id in self:
                self._forward[worker_id] = None

    def watch_closely(self, worker_ids: Iterable[str]) -> None:
        """Set which workers you are looking at; replaces the last such set."""
        self._close = {worker_id for worker_id in worker_ids if worker_id in self}

    def changed(self, worker_id: str, now: float) -> None:
        """Watch a worker that changed closely for an interval."""
        if worker_id in self:
            self._lately[worker_id] = now + self.interval
            self._lately.move_to_end(worker_id)
            if len(self._lately) > _MOST_LATELY:
                self._lately.popitem(last=False)

    def next(self, now: float) -> tuple[str | None, float]:
        """Return the worker to verify now, or None and the seconds until one is due (infinity if there is none)."""
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

    def is_due(self, now: float) -> bool:
        """Whether `next` would return a worker."""
        worker_id, wait = self._sweep_candidate(now)
        return (worker_id is not None and wait <= 0) or self._urgent_candidate(now)[0] is not None

    def came_back(self, worker_id: str, *, failed: bool = False) -> None:
        """Note that the worker's request is no longer in flight, and whether it failed."""
        self._in_flight.discard(worker_id)
        self._failing_in_flight.discard(worker_id)
        if failed and worker_id in self:
            self._failures[worker_id] = self._failures.get(worker_id, 0) + 1
            _move(worker_id, self._asked, self._failing)
        elif not failed:
            self._failures.pop(worker_id, None)
            _move(worker_id, self._failing, self._asked)

    def probe(self, now: float) -> str | None:
        """Return one worker to try an unreachable registry with, due or not; None if all are in flight.

        It is the one asked longest ago, so that one which answers is not the only one ever tried.
        """
        worker_id = next((each for each in self._forward if each not in self._in_flight), None)
        if worker_id is None:
            first = filter(None, map(self._first_at_rest, (self._asked, self._failing)))
            _, worker_id = min(first, key=itemgetter(0), default=(0.0, None))
        return None if worker_id is None else self._take(worker_id, now, swept=False)

    def ask_others(self, count: int, *, failing: bool) -> None:
        """Verify this many next: those verified longest ago whose last verify failed, or did not."""
        others = (
            worker_id
            for worker_id in (self._failing if failing else self._asked)
            if worker_id not in self._in_flight and worker_id not in self._forward
        )
        self._forward.update(dict.fromkeys(islice(others, max(0, count - len(self._forward)))))

    def round_time(self, rate: float) -> float:
        """Return the seconds of one round of the sweep at `rate` requests per second and with its smallest share."""
        urgent = min(
            len(self._close | self._lately.keys()) / self.close_interval, rate * _LANE_SHARE / (_LANE_SHARE + 1)
        )
        return len(self) / max(rate - urgent, 1e-9)

    def _take(self, worker_id: str, now: float, *, swept: bool) -> str:
        if swept:
            gap = self.interval * _MARGIN / len(self)
            self._sweep_at = gap + min(max(self._sweep_at, now - gap), now)
            self._since_sweep = 0
        else:
            self._since_sweep += 1
        self._forward.pop(worker_id, None)
        self._in_flight.add(worker_id)
        queue = self._asked
        if worker_id in self._failing:
            self._failing_in_flight.add(worker_id)
            queue = self._failing
        queue[worker_id] = now
        queue.move_to_end(worker_id)
        return worker_id

    def _sweep_candidate(self, now: float) -> tuple[str | None, float]:
        queues = [self._asked, self._failing] if self._may_ask_failing() else [self._asked]
        first = [queue_first for queue in queues if (queue_first := self._first_at_rest(queue)) is not None]
        if not first:
            return None, float("inf")
        asked, worker_id = min(first, key=itemgetter(0))
        overdue = now - asked > self.interval
        return worker_id, 0.0 if overdue else max(0.0, self._sweep_at - now)

    def _first_at_rest(self, queue: Mapping[str, float]) -> tuple[float, str] | None:
        """Return the first worker without a request in flight: those in flight are at the end, so few are skipped."""
        return next(((asked, each) for each, asked in queue.items() if each not in self._in_flight), None)

    def _urgent_candidate(self, now: float) -> tuple[str | None, float]:
        for worker_id in self._forward:
            if self._may_be_asked(worker_id):
                return worker_id, 0.0
        while self._lately and next(iter(self._lately.values())) <= now:
            self._lately.popitem(last=False)
        close = [worker_id for worker_id in (*self._close, *self._lately) if self._may_be_asked(worker_id)]
        if not close:
            return None, float("inf")
        first = min(close, key=lambda worker_id: (self._close_due(worker_id), worker_id))
        wait = self._close_due(first) - now
        return (first, 0.0) if wait <= 0 else (None, wait)

    def _close_due(self, worker_id: str) -> float:
        doubled = min(self._failures.get(worker_id, 0), _MOST_DOUBLED)
        asked = self._failing[worker_id] if doubled else self._asked[worker_id]
        return asked + self.close_interval * 2.0**doubled

    def _may_be_asked(self, worker_id: str) -> bool:
        if worker_id in self._in_flight:
            return False
        return worker_id not in self._failing or self._may_ask_failing()

    def _may_ask_failing(self) -> bool:
        return len(self._failing_in_flight) < self._most_failing


def _move(worker_id: str, source: OrderedDict[str, float], target: OrderedDict[str, float]) -> None:
    """Move a worker to the end of the other queue, if it is not in it already: it was asked a moment ago."""
    if worker_id in source:
        target[worker_id] = source.pop(worker_id)
