"""A registry in simulated time, for random schedules of hours: latency, a rate limit, faults and bans on our clock.

The real hall answers in real time, so it cannot serve thousands of simulated minutes; `test_engine.py` uses it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from pyhall_tui.registry import errors
from pyhall_tui.registry.models import BanList, BanListEntry, Health, Verdict
from tests.clock import ManualClock


class SimulatedRegistry:
    """Answers according to its state when the request arrives."""

    def __init__(self, clock: ManualClock, worker_ids: list[str]) -> None:
        self.clock = clock
        self.banned: set[str] = set()
        self.hashes = {worker_id: f"{number + 1:064x}" for number, worker_id in enumerate(worker_ids)}
        self.latency = 0.05
        self.down = False
        self.limited = False
        self.hanging: set[str] = set()
        """Workers for whom no answer ever comes; the client gives up after ten seconds."""
        self.cut: set[str] = set()
        """Workers whose connection always breaks; the ban list is the empty id here too."""
        self.asked: list[tuple[float, str]] = []
        """When, and for whom; the ban list is the empty id."""
        self.in_flight = 0
        self.most_in_flight = 0
        self.at_once: set[str] = set()
        self.doubled = False

    async def verify(self, worker_id: str, *, retry: bool = True) -> Verdict:
        with self._request(worker_id):
            banned = worker_id in self.banned
            await self._answer("GET", f"/api/v1/verify/{worker_id}", worker_id)
        return Verdict(
            worker_id=worker_id,
            known=True,
            status="active",
            attested=True,
            sha256=self.hashes[worker_id],
            banned=banned,
            ban_word="banned" if banned else "clean",
        )

    async def ban_list(self, *, retry: bool = True) -> BanList:
        with self._request(""):
            hashes = [self.hashes[worker_id] for worker_id in self.banned]
            await self._answer("GET", "/api/v1/ban-list", "")
        return BanList(entries={digest: BanListEntry(sha256=digest) for digest in hashes})

    async def health(self) -> Health:
        return Health(ok=True, version=None, server_date=None)

    @contextmanager
    def _request(self, worker_id: str) -> Iterator[None]:
        self.asked.append((self.clock.now().mono, worker_id))
        self.doubled |= worker_id in self.at_once
        self.at_once.add(worker_id)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            yield
        finally:
            self.at_once.discard(worker_id)
            self.in_flight -= 1

    async def _answer(self, method: str, path: str, worker_id: str) -> None:
        down, limited, hangs = self.down or worker_id in self.cut, self.limited, worker_id in self.hanging
        await self.clock.sleep(10.0 if hangs else self.latency)
        details = {"method": method, "path": path, "correlation_id": "req-1"}
        if hangs:
            raise errors.TimedOut("No whole answer came within 10 s.", **details)
        if down:
            raise errors.Unreachable("The registry cannot be reached.", **details)
        if limited:
            error = errors.RateLimited("Slow down.", status=429, error_text="slow down", **details)
            error.retry_after = 3.0
            raise error
