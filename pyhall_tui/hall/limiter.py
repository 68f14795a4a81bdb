"""A token bucket for each API key or address, on the injected clock."""

from pyhall_tui.clock import Clock

_MOST_BUCKETS = 10_000


class Limiter:
    """Allows each key `rate` requests per second, with bursts of up to `burst`. A rate of 0 means no limit.

    Several halls on one store share both: `halls` is how many live.
    """

    def __init__(self, clock: Clock, rate: float = 50.0, burst: int = 100) -> None:
        self.rate = rate
        self.burst = burst
        self.halls = 1
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def __len__(self) -> int:
        return len(self._buckets)

    def wait(self, who: str) -> float:
        """Take a token of `who`: return 0 if there was one, otherwise the seconds until the next."""
        rate, burst = self.rate / self.halls, max(1.0, self.burst / self.halls)
        if rate <= 0:
            return 0.0
        now = self._clock.now().mono
        tokens, since = self._buckets.pop(who, (burst, now))
        tokens = min(burst, tokens + (now - since) * rate)
        granted = tokens >= 1.0
        self._buckets[who] = (tokens - 1.0 if granted else tokens, now)
        if len(self._buckets) > _MOST_BUCKETS:  # drop the one unused for longest: it is full again anyway
            del self._buckets[next(iter(self._buckets))]
        return 0.0 if granted else (1.0 - tokens) / rate
