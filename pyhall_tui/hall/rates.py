"""How often each rule has allowed each worker: never more than its limit within any span of its length.

Recent allows are kept in the store, written with the decisions themselves, so a restart forgets nothing.
"""

import math
from array import array
from collections.abc import Iterable
from functools import lru_cache

from pyhall_tui.clock import Clock, Moment
from pyhall_tui.hall.errors import StoreError
from pyhall_tui.hall.store import Store
from pyhall_tui.hall.store.protocol import KeptRate

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
_FINEST = 128
"""Up to this number, each allow has its own time; beyond it, several share the last one's to keep the list short."""
_MOST = 10_000  # windows kept in memory; others are read again
_Key = tuple[str, str]


class _Window:
    """What was allowed lately: pairs of a time (of the clock that can't jump) and how many were allowed up to it.

    `kept` is what the store has of it.
    """

    def __init__(self, allowed: "array[float]", kept: KeptRate | None) -> None:
        self.allowed, self.kept = allowed, kept
        self.total = int(sum(allowed[1::2]))

    def forget(self, before: float) -> None:
        """Forget what was allowed before that time."""
        gone = 0
        while gone < len(self.allowed) and self.allowed[gone] <= before:
            self.total -= int(self.allowed[gone + 1])
            gone += 2
        del self.allowed[:gone]

    def add(self, now: float, share: int) -> None:
        """Record an allow; up to `share` of them share one time, that of the last."""
        if self.allowed and self.allowed[-1] < share:
            self.allowed[-2] = now
            self.allowed[-1] += 1
        else:
            self.allowed.extend((now, 1.0))
        self.total += 1


class Rates:
    """Counts what rules allow. A `take` goes into the store with the next decisions: `unsaved`, then `saved`."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._state, self._clock = store.state(), clock
        self._windows: dict[_Key, _Window] = {}
        self._unsaved: dict[_Key, _Window] = {}

    def wait(self, rule: str, worker_id: str, rate: str, *, take: bool) -> float:
        """Return 0 if a rule with this rate (`10/hour`) may allow the worker once more, else the seconds until it may.

        `take`: count this as an allow.
        """
        number, span = _parts(rate)
        now = self._clock.now().mono
        window = self._window((rule, worker_id))
        window.forget(now - span)
        if window.total >= number:
            return window.allowed[0] + span - now
        if take:
            window.add(now, -(-number // _FINEST))
            self._unsaved[rule, worker_id] = window
        return 0.0

    def unsaved(self) -> list[KeptRate]:
        """Return what was taken and is not in the store yet."""
        now = self._clock.now()
        kept = []
        for (rule, worker_id), window in self._unsaved.items():
            kept.append(KeptRate(rule, worker_id, now.mono, now.wall, window.allowed.tobytes()))
        return kept

    def saved(self, kept: Iterable[KeptRate]) -> None:
        """Note that these are in the store."""
        for each in kept:
            window = self._unsaved.pop((each.rule, each.worker_id), None)
            if window is not None:  # otherwise it was read again meanwhile
                window.kept = each

    def undo(self) -> None:
        """Forget what was taken and is not in the store."""
        for key in self._unsaved:
            self._windows.pop(key, None)
        self._unsaved.clear()

    def _window(self, key: _Key) -> _Window:
        kept = self._state.rate(*key)
        window = self._windows.pop(key, None) or self._unsaved.get(key)
        if window is None or window.kept != kept:  # another process has allowed something
            window = self._load(key, kept)
        self._windows[key] = window
        if len(self._windows) > _MOST:
            del self._windows[next(iter(self._windows))]
        return window

    def _load(self, key: _Key, kept: KeptRate | None) -> _Window:
        self._unsaved.pop(key, None)
        if kept is None:
            return _Window(array("d"), None)
        allowed: array[float] = array("d")
        try:
            allowed.frombytes(kept.allowed)
            pairs = list(zip(allowed[::2], allowed[1::2], strict=True))
            if not all(map(math.isfinite, allowed)):
                raise ValueError
        except ValueError:
            raise StoreError("the rates already used can't be read from the hall's store") from None
        now = self._clock.now()
        ago = _elapsed(Moment(kept.mono, kept.wall), now) if kept.written is None else now.mono - kept.written
        back = now.mono - kept.mono - ago
        window = _Window(array("d", [part for at, count in pairs for part in (at + back, count)]), kept)
        self._unsaved[key] = window  # from now on by the clock of this boot
        return window


def _elapsed(then: Moment, now: Moment) -> float:
    """Return the seconds between two moments, the first of which may be from before a reboot.

    Either clock may be wrong: the monotonic one restarts with the machine, and people set the other. A time that went
    backwards is ignored; otherwise the shorter one counts.
    """
    return min((seconds for seconds in (now.mono - then.mono, now.wall - then.wall) if seconds >= 0), default=0.0)


@lru_cache(maxsize=1000)
def _parts(rate: str) -> tuple[int, int]:
    """Return a rate's number and its span in seconds."""
    number, _, unit = rate.partition("/")
    return int(number), _SECONDS[unit]
