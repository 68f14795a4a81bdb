"""The last minutes of requests: how many, how slow, how many failed. Kept in buckets, so the size is limited."""

from collections import deque
from typing import NamedTuple

from pyhall_tui.percentile import percentile

BUCKET = 5.0
"""Seconds that one bucket holds."""
BUCKETS = 120


class Bucket(NamedTuple):
    """One span of time: when it began (monotonic), each request's seconds, and how many of them failed."""

    began: float
    elapsed: list[float]
    failed: list[float]


class Point(NamedTuple):
    """One bucket summarized for the strip: requests per second, latencies in seconds, failures."""

    rate: float
    p50: float
    p95: float
    errors: int


class RequestStats:
    """The data behind the strip on the workers screen. All times are on the monotonic clock."""

    def __init__(self) -> None:
        self._buckets: deque[Bucket] = deque(maxlen=BUCKETS)

    def record(self, at: float, elapsed: float, *, failed: bool) -> None:
        """Count one request that came back at `at` after `elapsed` seconds."""
        began = at - at % BUCKET
        if not self._buckets or self._buckets[-1].began < began:
            self._buckets.append(Bucket(began, [], []))
        bucket = self._buckets[-1]
        bucket.elapsed.append(elapsed)
        if failed:
            bucket.failed.append(elapsed)

    def per_second(self, now: float) -> float:
        """Return the requests per second over the last ten to fifteen seconds."""
        since = now - now % BUCKET - 2 * BUCKET
        count = sum(len(bucket.elapsed) for bucket in self._buckets if bucket.began >= since)
        return count / max(BUCKET, now - since)

    def points(self, now: float, count: int) -> list[Point]:
        """Return the last `count` buckets, oldest first, including empty ones."""
        last = now - now % BUCKET
        by_start = {bucket.began: bucket for bucket in self._buckets}
        return [_point(by_start.get(last - BUCKET * back)) for back in range(count - 1, -1, -1)]


def _point(bucket: Bucket | None) -> Point:
    if bucket is None:
        return Point(0.0, 0.0, 0.0, 0)
    ordered = sorted(bucket.elapsed)
    return Point(len(ordered) / BUCKET, percentile(ordered, 50), percentile(ordered, 95), len(bucket.failed))
