"""The demo: a hall in memory in which things happen while you watch."""

import asyncio
import random
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

from pyhall_tui.clock import Clock, SystemClock
from pyhall_tui.hall import gate
from pyhall_tui.hall.context import Hall
from pyhall_tui.hall.models import Asked, RiskTier, Worker
from pyhall_tui.hall.retention import Retention, keep_short
from pyhall_tui.hall.roster import DOCUMENTED, NAMESPACE
from pyhall_tui.hall.seed import fake_hash, seed_demo
from pyhall_tui.hall.server import RunningHall, serve_in_thread
from pyhall_tui.hall.store import SqliteStore, new_id

FIRST_BAN = 8.0  # seconds after the start
_CALM = (9.0, 22.0)  # seconds between two events, from then on
_DISPATCHES = (1.0, 4.0)  # seconds between two of the fleet's own dispatches
_MOST_BANNED = 7
_REASONS = (
    "Sends page content to a host that is not on its list",
    "Hash matches a package reported by three halls",
    "Runs shell commands taken from its input",
    "Signed with a key that was leaked",
)
_TIERS: tuple[RiskTier, ...] = ("low", "low", "low", "medium", "medium", "high", "critical")


class Scenario:
    """What happens to the demo's fleet, on the injected clock and dice; the documentation's worker is never touched."""

    def __init__(self, hall: Hall, clock: Clock, rng: random.Random) -> None:
        self._hall = hall
        self._store = hall.store
        self._clock = clock
        self._rng = rng
        self._version = 1
        # workers that you enroll are never touched either
        self._seeded = frozenset(worker.worker_id for worker in hall.store.workers())

    async def run(self) -> None:
        """Let things happen forever: the first ban after `FIRST_BAN` seconds, then one thing at a time, calmly."""
        await asyncio.gather(self._events(), self._dispatches())

    async def _events(self) -> None:
        for wait, event in self._script():
            await self._clock.sleep(wait)
            event()

    def _script(self) -> Iterator[tuple[float, Callable[[], object]]]:
        yield FIRST_BAN, lambda: self.ban("org.yourco.scraper.prod-03")
        yield 7.0, lambda: self.attest("org.yourco.forecast.prod-02")
        yield 7.0, lambda: self.attest("org.yourco.summarizer.prod-02")
        yield 9.0, lambda: self._store.set_status("org.yourco.release-notes", "retired")
        yield 11.0, lambda: self._store.unban("org.yourco.scraper.prod-03")
        while True:
            yield self._rng.uniform(*_CALM), self._something

    def _something(self) -> None:
        """Do one thing that can happen to the fleet in its current state."""
        fleet = [worker for worker in self._fleet() if worker.worker_id != DOCUMENTED]
        active = [worker for worker in fleet if worker.status == "active" and not worker.banned]
        banned = [worker for worker in fleet if worker.banned]
        unattested = [worker for worker in active if not worker.attested]
        attested = [worker for worker in active if worker.attested]
        choices: list[tuple[list[Worker], Callable[[str], object]]] = [(attested, self.attest), (attested, self.lapse)]
        if len(banned) < _MOST_BANNED:
            choices += [(attested, self.ban)] * 2
        if len(banned) > 2:
            choices += [(banned, self._store.unban)] * 2
        if unattested:
            choices += [(unattested, self.attest)] * 2
        workers, happen = self._rng.choice(choices)
        if workers:
            happen(self._rng.choice(workers).worker_id)

    def _fleet(self) -> list[Worker]:
        return [worker for worker in self._store.workers() if worker.worker_id in self._seeded]

    def ban(self, worker_id: str) -> None:
        """Put a worker's package hash on the ban list."""
        worker = self._store.worker(worker_id)
        if worker and worker.sha256:
            self._store.ban_hash(worker.sha256, self._rng.choice(_REASONS), source="hall-monitor")

    def attest(self, worker_id: str) -> None:
        """Attest a new package for a worker: its hash changes."""
        self._version += 1
        self._store.attest(worker_id, fake_hash(worker_id, self._version))

    def lapse(self, worker_id: str) -> None:
        """Withdraw a worker's attestation."""
        self._store.withdraw(worker_id)

    async def _dispatches(self) -> None:
        """Make the fleet's own traffic, for the decision log."""
        while True:
            await self._clock.sleep(self._rng.uniform(*_DISPATCHES))
            worker = self._rng.choice(self._fleet())
            asked = Asked(
                namespace=worker.namespace,
                capability=self._rng.choice(worker.capabilities),
                worker_id=worker.worker_id,
                tier=self._rng.choice(_TIERS),
                wall=self._clock.now().wall,
            )
            gate.dispatch(self._hall, asked, new_id("agent"))


@dataclass
class RunningDemo:
    """A running demo; also a context manager that ends it. It leaves nothing behind."""

    url: str
    key: str
    namespace: str
    worker_ids: list[str]
    running: RunningHall

    def stop(self) -> None:
        """End it at once."""
        self.running.stop()
        self.running.hall.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start_demo(
    *,
    listening: socket.socket | None = None,
    key: str | None = None,
    clock: Clock | None = None,
    rng: random.Random | None = None,
    lively: bool = True,
) -> RunningDemo:
    """Start the demo's hall on localhost, in its own thread; by default on a port and with a key of its own choice.

    `lively` False leaves the fleet as it was seeded. The clock's `sleep` is awaited on the hall's thread.
    """
    clock = clock or SystemClock()
    store = SqliteStore(clock=clock)
    seed_demo(store, clock.now().wall)
    running = serve_in_thread(store, listening=listening, clock=clock, retention=Retention(5_000))
    running.spawn(keep_short(store, running.hall.retention, clock))
    if lively:
        running.spawn(Scenario(running.hall, clock, rng or random.Random()).run())
    ids = [worker.worker_id for worker in store.workers()]
    return RunningDemo(running.url, store.add_key(NAMESPACE, "demo", key), NAMESPACE, ids, running)
