"""Verifies a second at a round trip of 50 ms: the engine within the budget set for it, and `RegistryClient.prefetch`.

The engine runs as in the program: in its thread, with a journal, every verdict taken into the fleet. Each second's
requests are counted at the registry; more than the budget and what may be saved up for it in any of them is a miss.
"""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from pyhall_tui.alarms.alarm import Change
from pyhall_tui.clock import SystemClock
from pyhall_tui.fleet.events import Event
from pyhall_tui.journal.journal import Journal
from pyhall_tui.monitor.rate_limiter import _SAVED_UP
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.watch_list import WatchList
from pyhall_tui.workspace import Workspace
from tests.bench._registry import worker_id
from tests.bench._setting import KEY, Registry
from tests.bench.report import Row

BUDGET = 450.0
IN_FLIGHT = 32
_TIMES = 20


def run(quick: bool) -> Iterator[Row]:
    """Measure one after the other."""
    many, span = (2_000, 3.0) if quick else (10_000, 15.0)
    with Registry(many) as registry:
        registry.set(latency=0.05)
        sdk = _prefetch(registry.url, many, span)
        ours, most = asyncio.run(_engine(registry, many, span))
    yield Row("sweep", ours, "/s", sdk, "prefetch", f"≥ {_TIMES} x", ours / sdk >= _TIMES)
    allowed = BUDGET * (1 + _SAVED_UP)
    yield Row("sweep, its busiest second", most, "/s", BUDGET, "budget", "≤ 1.02 x", most <= allowed + 1)


class _Nobody:
    """A listener that draws nothing."""

    def fleet_changed(self) -> None: ...
    def connection_changed(self) -> None: ...
    def events_happened(self, events: list[Event]) -> None: ...
    def alarms_changed(self, changes: list[Change]) -> None: ...


async def _engine(registry: Registry, many: int, span: float) -> tuple[float, float]:
    profile = Profile(
        name="bench",
        namespace="org.bench",
        registry_url=registry.url,
        requests_per_second=BUDGET,
        requests_in_flight=IN_FLIGHT,
        poll_interval=many / BUDGET / 2,
    )
    with tempfile.TemporaryDirectory() as folder, Journal.open(Path(folder) / "journal.db", SystemClock()) as journal:
        watch_list = WatchList(Path(folder), profile.name)
        watch_list.add(worker_id(number) for number in range(many))
        async with Workspace(
            profile, clock=SystemClock(), journal=journal, watch_list=watch_list, listener=_Nobody()
        ) as workspace:
            workspace.connection.connect(ApiKey(KEY))
            await asyncio.sleep(2)
            counts = [registry.set()]
            while counts[-1]["at"] - counts[0]["at"] < span:
                await asyncio.sleep(1)
                counts.append(registry.set())
    rates = [
        (after["verifies"] - before["verifies"]) / (after["at"] - before["at"]) for before, after in pairwise(counts)
    ]
    first, last = counts[0], counts[-1]
    return (last["verifies"] - first["verifies"]) / (last["at"] - first["at"]), max(rates)


def _prefetch(url: str, many: int, span: float) -> float:
    from pyhall.registry_client import RegistryClient  # type: ignore[import-untyped]

    client = RegistryClient(base_url=url)
    began, done = time.monotonic(), 0
    while time.monotonic() - began < span and done < many:
        client.prefetch([worker_id(number) for number in range(done, done + 10)])
        done += 10
    return done / (time.monotonic() - began)
