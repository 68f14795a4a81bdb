"""When a hall that can't reach the upstream lets another one poll it."""

from pyhall_tui.clock import Clock
from pyhall_tui.hall.store.halls import LEASE

_FAILED = 3  # polls in a row
_AWAY = 2 * LEASE
"""Seconds for which it does not take the lease back: a hall that lives takes it within one."""
_AGAIN, _AGAIN_AT_MOST = 60.0, 3600.0
"""Seconds until it may give up again, twice as many each time: if no hall can reach the upstream, they soon keep to
one."""


class GivingUp:
    """Counts the polls that failed, and says when to give the lease up and when to take it again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failed = 0
        self._pause = _AGAIN
        self._not_before = self._away_until = clock.now().mono

    def succeeded(self) -> None:
        """The upstream has answered."""
        self._failed, self._pause = 0, _AGAIN

    def failed(self) -> None:
        """It has not, or can't be understood, or refuses the key."""
        self._failed += 1

    @property
    def is_due(self) -> bool:
        """Whether another hall had better try, if there is one."""
        return self._failed >= _FAILED and self._clock.now().mono >= self._not_before

    def gave_up(self) -> None:
        """The lease was given up."""
        now = self._clock.now().mono
        self._failed, self._away_until, self._not_before = 0, now + _AWAY, now + self._pause
        self._pause = min(2 * self._pause, _AGAIN_AT_MOST)

    @property
    def is_away(self) -> bool:
        """Whether it leaves the lease to others."""
        return self._clock.now().mono < self._away_until
