"""Flapping: a worker that changes too often is one alarm that says so, until it is calm."""

from collections import OrderedDict, deque
from collections.abc import Iterable

import msgspec

from pyhall_tui.fleet.events import FIRST_SIGHT, Event, Kind

_COUNTED = frozenset(
    (
        *(Kind.BANNED, Kind.UNBANNED, Kind.ATTESTED, Kind.UNATTESTED, Kind.HASH_CHANGED, Kind.STATUS_CHANGED),
        *(Kind.APPEARED, Kind.VANISHED, Kind.DRIFTED, Kind.DRIFT_ENDED),
    )
)
_MOST = 20_000
"""Workers whose changes are remembered."""


class FlappingLimit(msgspec.Struct, frozen=True, kw_only=True):
    """How often a worker may change: more than `changes` times in `minutes` is flapping."""

    changes: int = 6
    minutes: float = 10.0

    @property
    def words(self) -> str:
        """The limit in words."""
        return f"more than {self.changes} changes in {self.minutes:g} min"


def is_change(event: Event) -> bool:
    """Whether an event is a worker's own change: not what was true at first sight, and not what a person did."""
    return event.worker_id is not None and event.kind in _COUNTED and event.before != FIRST_SIGHT


class Flapping:
    """Counts each worker's changes. Times are seconds on the monotonic clock, so setting the wall clock is harmless."""

    def __init__(self, limit: FlappingLimit) -> None:
        self._limit = limit
        self._window = limit.minutes * 60.0
        self._changes: OrderedDict[str, deque[float]] = OrderedDict()
        self._flaps: dict[str, None] = {}

    def __contains__(self, worker_id: str) -> bool:
        return worker_id in self._flaps

    def add(self, worker_id: str, now: float) -> bool:
        """Record one change; return whether the worker starts to flap."""
        times = self._changes.pop(worker_id, None) or deque(maxlen=self._limit.changes + 1)
        times.append(now)
        self._changes[worker_id] = times
        while len(self._changes) > _MOST:
            gone, _ = self._changes.popitem(last=False)
            self._flaps.pop(gone, None)
        begins = worker_id not in self._flaps and self._within(times, now) > self._limit.changes
        if begins:
            self._flaps[worker_id] = None
        return begins

    def follow(self, worker_ids: Iterable[str], now: float) -> None:
        """Add workers that flap according to another program or an earlier run; they must be calm for as long."""
        for worker_id in worker_ids:
            if worker_id not in self._flaps:
                self._flaps[worker_id] = None
                self._changes.setdefault(worker_id, deque(maxlen=self._limit.changes + 1)).append(now)

    def drop(self, worker_id: str) -> None:
        """Forget a worker."""
        self._flaps.pop(worker_id, None)
        self._changes.pop(worker_id, None)

    def calmed(self, now: float) -> list[str]:
        """Return, once each, the workers that flapped and then did not change for the whole window."""
        calm = [worker_id for worker_id in self._flaps if not self._within(self._changes.get(worker_id, ()), now)]
        for worker_id in calm:
            self.drop(worker_id)
        return calm

    def _within(self, times: Iterable[float], now: float) -> int:
        return sum(now - time <= self._window for time in times)
