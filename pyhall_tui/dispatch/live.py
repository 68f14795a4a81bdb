"""A live run: repeats one request until it is stopped, and reports when its answer changes."""

from collections import Counter, deque
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

import msgspec

from pyhall_tui.clock import Clock
from pyhall_tui.dispatch.result import Result, Tried
from pyhall_tui.fleet.events import Event, Kind, Severity
from pyhall_tui.percentile import percentile
from pyhall_tui.registry.correlation import new_correlation_id
from pyhall_tui.registry.models import DispatchRequest

SHORTEST_INTERVAL: Final = 0.5
"""Seconds."""
LIMITED_WITHOUT_WORD: Final = 5.0
"""Seconds that the run waits after a 429 without `Retry-After`."""
KEPT: Final = 2_000
"""Samples that are kept; the counts include older ones."""


class Sample(NamedTuple):
    """One repetition."""

    at: float
    """Wall time, seconds since the epoch."""
    result: Result
    code: str | None
    elapsed_ms: float | None
    correlation_id: str

    @property
    def word(self) -> str:
        """The answer in words, by which changes are recognized."""
        return f"{self.result.value} {self.code}" if self.code else self.result.value


class Percentiles(NamedTuple):
    """Milliseconds, by nearest rank; None before the first answer."""

    p50: float | None
    p95: float | None
    p99: float | None


class LiveRun:
    """Repeats a request at intervals, each with its own id. Only one is in flight; a late answer skips missed ticks."""

    def __init__(
        self,
        request: DispatchRequest,
        interval: float,
        *,
        send: Callable[[DispatchRequest], Awaitable[Tried]],
        take_events: Callable[[list[Event]], None],
        clock: Clock,
        correlation_prefix: str,
    ) -> None:
        """Start nothing yet. `interval` is in seconds, at least `SHORTEST_INTERVAL`."""
        self.request = request
        self.interval = max(SHORTEST_INTERVAL, interval)
        self.samples: deque[Sample] = deque(maxlen=KEPT)
        self.counts: Counter[Result] = Counter()
        self.changes: deque[Sample] = deque(maxlen=100)
        """The first sample of each changed answer, oldest first."""
        self.last: Tried | None = None
        self.is_running = False
        self._answer: Sample | None = None
        self._send = send
        self._take_events = take_events
        self._clock = clock
        self._prefix = correlation_prefix

    async def run(self) -> None:
        """Repeat until cancelled."""
        self.is_running = True
        due = self._clock.now().mono
        try:
            while True:
                held = await self._once()
                now = self._clock.now().mono
                missed = max(0, int((now - due) // self.interval))
                due += (missed + 1) * self.interval
                await self._clock.sleep(max(due - now, held))
                due = max(due, self._clock.now().mono)
        finally:
            self.is_running = False

    def percentiles(self) -> Percentiles:
        """Return the latencies of the kept samples."""
        ordered = sorted(sample.elapsed_ms for sample in self.samples if sample.elapsed_ms is not None)
        if not ordered:
            return Percentiles(None, None, None)
        return Percentiles(*(percentile(ordered, percent) for percent in (50, 95, 99)))

    async def _once(self) -> float:
        """Send once; return the seconds that the registry asks us to wait."""
        context = {**self.request.context, "correlation_id": new_correlation_id(self._prefix)}
        tried = await self._send(msgspec.structs.replace(self.request, context=context))
        row = tried.row
        sample = Sample(row.at, tried.result, row.deny_code, row.elapsed_ms, row.correlation_id)
        self.last = tried
        self.samples.append(sample)
        self.counts[sample.result] += 1
        if sample.result.is_answer:
            self._compare(sample)
        return tried.retry_after or (LIMITED_WITHOUT_WORD if row.status == 429 else 0.0)

    def _compare(self, sample: Sample) -> None:
        before, self._answer = self._answer, sample
        if before is None or before.word == sample.word:
            return
        self.changes.append(sample)
        tier = self.request.context.get("risk_tier", "none")
        better = sample.result is Result.ALLOW
        event = Event(
            kind=Kind.DISPATCH_CHANGED,
            severity=Severity.NOTICE if better else Severity.WARNING,
            at=self._clock.now().wall,
            worker_id=self.request.worker_id,
            before=before.word,
            after=sample.word,
            source="dispatch",
            correlation_id=sample.correlation_id,
            detail=f"{self.request.capability}, risk {tier}",
        )
        self._take_events([event])
