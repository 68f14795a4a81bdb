"""How recent verifies went: if one worker fails, it is that worker's problem; if most fail, it is the registry's."""

from collections import Counter, OrderedDict
from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from pyhall_tui.registry import errors

LOST_AFTER = 3.0
"""Seconds for which most must fail, or must work again, before it counts."""
_SPAN = 3.0
"""Seconds that the sample covers, if it contains enough workers."""
_LEAST, _MOST = 5, 60
"""Workers in the sample, at least and at most."""


class Ground(Enum):
    """Whose fault it may be."""

    REFUSED = "refused"
    """The registry answers but refuses: 400, 403, 404 and the like."""
    KEY = "key"
    NO_ANSWER = "no answer"
    """No answer, or no usable one: 5xx, a time-out, a broken connection, a portal's page."""


class RequestFault(NamedTuple):
    """Why a request failed, small enough to keep for each worker."""

    ground: Ground
    word: str
    """The status, or what happened in two words: `403`, `timed out`."""
    sentence: str
    advice: str
    correlation_id: str = ""


def fault_of(error: errors.RegistryError) -> RequestFault:
    """Return what is kept of an error."""
    word, ground = error.kind, Ground.NO_ANSWER
    if isinstance(error, errors.BanListUnclear):
        ground = Ground.REFUSED  # the registry is there, and answers
    if isinstance(error, errors.StatusError):
        word = str(error.status)
        if error.status < 500:
            ground = Ground.KEY if error.status == 401 else Ground.REFUSED
    return RequestFault(ground, word, str(error), error.advice, error.correlation_id)


class _Outcome(NamedTuple):
    at: float
    fault: RequestFault | None
    in_a_row: int


class Outcomes:
    """The last result of each recently verified worker, and whether most of them failed.

    Most fail if more than half of the sample does for `LOST_AFTER` seconds (and more than one worker, unless only one
    is watched). It is over once only a third of it, or one worker, has failed for as long. Pure: times are seconds on
    the monotonic clock.
    """

    def __init__(self) -> None:
        self.failing: RequestFault | None = None
        """What most of them fail with, while most fail."""
        self._last: OrderedDict[str, _Outcome] = OrderedDict()
        self._turned: float | None = None
        """Since when the sample has contradicted `failing`."""

    def record(self, worker_id: str, fault: RequestFault | None, now: float) -> bool:
        """Record one worker's result (`fault` is None for success); return whether it differs from its last one."""
        before = self._last.pop(worker_id, None)
        in_a_row = 1 + (before.in_a_row if before and before.fault else 0) if fault else 0
        self._last[worker_id] = _Outcome(now, fault, in_a_row)
        if len(self._last) > _MOST:
            self._last.popitem(last=False)
        return (fault is None) != (before is None or before.fault is None)

    def forget(self, worker_ids: Iterable[str]) -> None:
        """Drop workers that are no longer watched."""
        for worker_id in worker_ids:
            self._last.pop(worker_id, None)

    def begin_again(self) -> None:
        """Forget everything: the next sample starts empty."""
        self._last.clear()
        self.failing = self._turned = None

    @property
    def good(self) -> int:
        """How many workers' last result was a success."""
        return sum(outcome.fault is None for outcome in self._last.values())

    def faults(self, ground: Ground) -> int:
        """How many workers' last result was a fault with that ground."""
        return sum(outcome.fault is not None and outcome.fault.ground is ground for outcome in self._last.values())

    def newest_fault(self, ground: Ground) -> RequestFault | None:
        """Return the newest fault with that ground among the workers' last results."""
        found = (outcome.fault for outcome in reversed(self._last.values()) if outcome.fault is not None)
        return next((fault for fault in found if fault.ground is ground), None)

    def look(self, now: float, watched: int) -> float:
        """Evaluate the sample; return the seconds until the next check is useful."""
        sample = self._sample(now)
        faults = [outcome for outcome in sample if outcome.fault is not None]
        if not (_is_over(len(faults), len(sample)) if self.failing else _is_most(faults, len(sample), watched)):
            self._turned = None
        elif self._turned is None:
            self._turned = now
        elif now - self._turned >= LOST_AFTER:
            # A single result of one worker proves nothing, however long ago it came.
            if not self.failing and len(faults) == 1 and faults[0].in_a_row < 2:
                return LOST_AFTER
            self._turned = None
            self.failing = None if self.failing else _usual(faults)
        if self.failing and faults:
            self.failing = _usual(faults)
        return float("inf") if self._turned is None else max(0.01, self._turned + LOST_AFTER - now)

    @property
    def is_turning(self) -> bool:
        """Whether the sample contradicts `failing`, but not for long enough yet."""
        return self._turned is not None

    def suspected(self, now: float) -> RequestFault | None:
        """Return what most fail with, if most fail, but not for long enough yet."""
        if self.failing or self._turned is None:
            return None
        return _usual([outcome for outcome in self._sample(now) if outcome.fault is not None])

    def _sample(self, now: float) -> list[_Outcome]:
        sample: list[_Outcome] = []
        for outcome in reversed(self._last.values()):
            if len(sample) >= _LEAST and outcome.at < now - _SPAN:
                break
            sample.append(outcome)
        return sample


def _is_most(faults: list[_Outcome], asked: int, watched: int) -> bool:
    return len(faults) * 2 > asked and (len(faults) > 1 or watched == 1)


def _is_over(faults: int, asked: int) -> bool:
    return faults * 3 <= asked or (faults <= 1 < asked)


def _usual(faults: list[_Outcome]) -> RequestFault:
    """Return the newest fault of the most common kind."""
    found = [outcome.fault for outcome in faults if outcome.fault is not None]  # the newest first
    ground = Counter(fault.ground for fault in found).most_common(1)[0][0]
    of_it = [fault for fault in found if fault.ground is ground]
    word = Counter(fault.word for fault in of_it).most_common(1)[0][0]
    return next(fault for fault in of_it if fault.word == word)
