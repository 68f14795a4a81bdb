"""How what you send, such as a matrix of dispatches, shares the rate limit with the watching, which comes first.

The ban list is never late because of it. While the sweep is due, the two take turns, and a quarter of the slots are
kept for the sweep, so that slow answers to one don't hold up the other.
"""

from collections.abc import Callable
from typing import Protocol

from pyhall_tui.monitor.rate_limiter import RateLimiter

_LOOK_AGAIN = 0.02
"""Seconds until the next check while it is somebody else's turn."""


class Watching(Protocol):
    """What the engine says about what it sends next. Times are seconds on the monotonic clock."""

    def list_due(self) -> float:
        """Return when the ban list is asked for; infinity while that is under way, or not done."""
        ...

    def sweep_is_due(self, now: float) -> bool:
        """Whether a worker would be verified now, if the rate limit allows."""
        ...


class FairShare:
    """The rate limit as other requests see it; it has the same four methods that a `RateLimiter` has for a queue."""

    def __init__(self, budget: RateLimiter, watching: Watching, freed: Callable[[], None]) -> None:
        """Share `budget` with `watching`. `freed` is called when its turn or a slot may have become free."""
        self._budget, self._watching, self._freed = budget, watching, freed
        self._most = budget.in_flight_limit - budget.in_flight_limit // 4 if budget.in_flight_limit > 1 else 1
        self._is_sweeps_turn = True
        self.in_flight = 0
        """Requests under way that are not the engine's."""

    @property
    def engines_in_flight(self) -> int:
        """Verifies under way that the engine has sent."""
        return self._budget.in_flight - self.in_flight

    def wait(self, now: float) -> float | None:
        """Return the seconds until a request may be sent: 0 for now, None for after one in flight comes back."""
        if self.in_flight >= self._most:
            return None
        if (wait := self._budget.wait(now)) != 0.0:
            return wait
        if (wait := self.wait_for_list(now)) > 0:
            return wait
        return _LOOK_AGAIN if self._is_sweeps_turn and self._watching.sweep_is_due(now) else 0.0

    def take(self) -> None:
        """Spend one request; call it only if `wait` returned 0."""
        self._budget.take()
        self.in_flight += 1
        self._is_sweeps_turn = True
        self._freed()

    def came_back(self) -> None:
        """Note that a request is no longer in flight, whatever its result."""
        self._budget.came_back()
        self.in_flight -= 1
        self._freed()

    def limited(self, now: float, retry_after: float) -> None:
        """Obey a 429: nothing for `retry_after` seconds, then slower."""
        self._budget.limited(now, retry_after)

    def swept(self) -> None:
        """Note that the engine has verified a worker: the next turn is that of a request that waits."""
        self._is_sweeps_turn = False

    def wait_of_sweep(self, now: float, waiting: int) -> float:
        """Return the seconds for which the engine verifies nobody, though the rate limit allows it; 0 for none.

        `waiting` is how many other requests wait.
        """
        if not waiting:
            return 0.0
        is_theirs = not self._is_sweeps_turn and self.in_flight < self._most
        return self.wait_for_list(now) or (_LOOK_AGAIN if is_theirs else 0.0)

    def wait_for_list(self, now: float) -> float:
        """Return the seconds until the ban list is asked for, if a request now would make it late; otherwise 0."""
        due = self._watching.list_due()
        if now + self._budget.wait_after_another(now) <= due + 1e-9:
            return 0.0
        return max(due - now, _LOOK_AGAIN)
