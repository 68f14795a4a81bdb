"""The rate limit: so many requests per second, so many in flight, fewer after a 429, then up again.

Additive increase, multiplicative decrease, on the injected clock. (aiolimiter reads the loop's own time and has a fixed
rate, so it can do neither.)
"""

_DECREASE = 0.5
_INCREASE_PER_SECOND = 0.02
"""Share of the full rate that each second without a 429 restores: from half to full in 25 s."""
_LEAST_SHARE = 0.05
_SAVED_UP = 0.02
"""Seconds of requests that may be saved up: one request, or a few at a rate for which timers are too coarse. This makes
up for delays, but is never long enough for a real burst."""


class RateLimiter:
    """A token bucket with an adaptive rate. All times are seconds on the monotonic clock."""

    def __init__(self, rate: float, in_flight: int, now: float) -> None:
        """Start with one token. `rate` is requests per second, `in_flight` how many may be under way at once."""
        self.full_rate = rate
        self.rate = rate
        self.in_flight_limit = in_flight
        self.in_flight = 0
        self._tokens = 1.0
        self._counted = now
        self.blocked_until = now
        """Until when a 429 blocks everything."""

    @property
    def is_reduced(self) -> bool:
        """Whether the rate is lower than the profile's, because the registry asked for it."""
        return self.rate < self.full_rate

    def wait(self, now: float) -> float | None:
        """Return the seconds until a request may be sent: 0 for now, None for after one in flight comes back."""
        return None if self.in_flight >= self.in_flight_limit else self.wait_for_rate(now)

    def wait_for_rate(self, now: float) -> float:
        """Return the same for a request with its own slot."""
        if now < self.blocked_until:
            return self.blocked_until - now
        self._count(now)
        return 0.0 if self._tokens >= 1 - 1e-9 else (1 - self._tokens) / self.rate

    def wait_after_another(self, now: float) -> float:
        """Return the seconds until a request may be sent if one is sent now; call it only if one may be."""
        self._count(now)
        return max(0.0, (2 - self._tokens) / self.rate)

    def take(self) -> None:
        """Spend one request; call it only if `wait` returned 0."""
        self.take_rate()
        self.in_flight += 1

    def take_rate(self) -> None:
        """Spend one request with its own slot."""
        self._tokens -= 1

    def came_back(self) -> None:
        """Note that a request is no longer in flight, whatever its result."""
        self.in_flight -= 1

    def limited(self, now: float, retry_after: float) -> None:
        """Obey a 429: nothing for `retry_after` seconds, then at half the rate.

        Answers to requests in flight together count as one: the rate is halved once per blocked span.
        """
        if now >= self.blocked_until:
            self._count(now)
            self.rate = max(self.full_rate * _LEAST_SHARE, self.rate * _DECREASE)
        self.blocked_until = max(self.blocked_until, now + retry_after)
        self._tokens = min(self._tokens, 0.0)

    def hold(self) -> None:
        """Drop what was saved up, so that there is no burst after an outage."""
        self._tokens = min(self._tokens, 0.0)

    def _count(self, now: float) -> None:
        passed = max(0.0, now - max(self._counted, self.blocked_until))
        self._counted = now
        self._tokens = min(max(1.0, self.rate * _SAVED_UP), self._tokens + passed * self.rate)
        self.rate = min(self.full_rate, self.rate + passed * _INCREASE_PER_SECOND * self.full_rate)
