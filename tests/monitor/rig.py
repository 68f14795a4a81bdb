"""The engine on the test's own loop, with a clock that the test moves, over a real socket to a real hall."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from pyhall_tui.clock import Moment
from pyhall_tui.fleet.entry import State
from pyhall_tui.fleet.events import Event, Kind
from pyhall_tui.fleet.fleet import Fleet
from pyhall_tui.monitor.connection_state import ConnectionState
from pyhall_tui.monitor.engine import Monitor
from pyhall_tui.monitor.ports import WatchedRegistry
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.registry.client import RegistryClient
from pyhall_tui.registry.errors import RegistryError
from pyhall_tui.registry.models import BanList, Verdict
from tests.clock import ManualClock, settle
from tests.live_hall import LiveHall
from tests.waiting import until


class Rig:
    """A sink that feeds a fleet as the workspace does, and records everything."""

    def __init__(self, registry: WatchedRegistry, profile: Profile, clock: ManualClock) -> None:
        self.clock = clock
        self.client: RegistryClient | None = None
        """The client of a real registry, for requests besides the engine's."""
        self.fleet = Fleet(profile.poll_interval)
        self.events: list[Event] = []
        self.verdicts: list[tuple[str, Moment]] = []
        self.failures: list[tuple[str, RegistryError]] = []
        self.lists: list[Moment] = []
        self.monitor = Monitor(registry, self, clock, profile, random.Random(1))

    def verdict(self, verdict: Verdict, asked: Moment) -> None:
        self.verdicts.append((verdict.worker_id, asked))
        events = self.fleet.apply(verdict, asked, self.clock.now())
        self.monitor.changed([verdict.worker_id] if events else [])
        self.events += events

    def failed(self, worker_id: str, error: RegistryError) -> None:
        self.failures.append((worker_id, error))

    def ban_list(self, answer: BanList, asked: Moment) -> None:
        self.lists.append(asked)
        events = self.fleet.apply_ban_list(answer, asked, self.clock.now())
        self.monitor.bring_forward(self.fleet.listed_otherwise)
        self.events += events

    def state(self, state: ConnectionState) -> None:
        pass

    def ages(self, state: ConnectionState) -> None:
        pass

    def event(self, event: Event) -> None:
        self.events.append(event)

    def watch(self, *worker_ids: str) -> None:
        self.fleet.watch(worker_ids)
        self.monitor.watch(worker_ids)

    @property
    def states(self) -> list[State]:
        """How each worker stands now."""
        now = self.clock.now().mono
        return [entry.state(now, self.fleet.stale_after) for entry in self.fleet]

    def kinds(self) -> list[Kind]:
        return [event.kind for event in self.events]

    def times_asked(self, worker_id: str) -> int:
        return sum(asked_id == worker_id for asked_id, _ in self.verdicts)

    async def advance(self, seconds: float) -> None:
        """Let time pass, waiting for each request's real answer in between."""
        await self.clock.advance(seconds, self._quiet)

    async def _quiet(self) -> None:
        await settle(5)
        await until(lambda: not self.monitor.in_flight)  # a real socket answers in real time
        await settle(5)


@asynccontextmanager
async def running(rig: Rig) -> AsyncIterator[Rig]:
    """Run the rig's engine for the body."""
    task = asyncio.create_task(rig.monitor.run())
    try:
        yield rig
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def polling(
    hall: LiveHall, *, key: str | None = None, clock: ManualClock | None = None, **settings: Any
) -> AsyncIterator[Rig]:
    """An engine that polls the hall; `settings` are the profile's."""
    profile = Profile(name="test", namespace=hall.namespace, registry_url=hall.url, **settings)
    clock = clock or ManualClock()
    async with (
        RegistryClient(profile, ApiKey(key or hall.key), clock) as client,
        running(Rig(client, profile, clock)) as rig,
    ):
        rig.client = client
        yield rig
