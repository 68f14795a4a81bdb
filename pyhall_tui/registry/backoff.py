"""How long to wait between two attempts to reach an unreachable registry."""

import random

FIRST = 1.0
LONGEST = 60.0


class Backoff:
    """Twice as long each time, with jitter, up to a minute."""

    def __init__(self, rng: random.Random, first: float = FIRST, longest: float = LONGEST) -> None:
        self._rng = rng
        self._first = first
        self._longest = longest
        self._tries = 0

    def next(self, longest: float | None = None) -> float:
        """Return the seconds to wait before the next attempt: between half and all of the current step.

        `longest` limits this step; without it, the usual limit applies.
        """
        step = min(longest or self._longest, self._first * 2.0 ** min(self._tries, 30))
        self._tries += 1
        return step * self._rng.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Start over, because an attempt succeeded."""
        self._tries = 0
