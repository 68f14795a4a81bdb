"""What you send yields to the watching: dispatches, enrollments, attestations and verifies by hand."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from pyhall_tui.monitor.connection_state import BanListState, Reachability
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.registry.client import RegistryClient
from pyhall_tui.registry.errors import RegistryError
from pyhall_tui.registry.models import DispatchRequest, EnrollRequest
from pyhall_tui.render.sources import status_cells
from tests.clock import ManualClock
from tests.live_hall import CAPABILITY, HASH, NAMESPACE, WORKER, LiveHall, live_hall
from tests.monitor.rig import Rig, polling, running
from tests.monitor.simulated import SimulatedRegistry
from tests.monitor.test_engine import fleet_of

Send = Callable[[RegistryClient, int], Awaitable[object]]
RATE, INTERVAL = 20.0, 5.0


async def dispatch(client: RegistryClient, number: int) -> None:
    context = {"env": "prod", "number": number}
    await client.dispatch(
        DispatchRequest(namespace=NAMESPACE, capability=CAPABILITY, worker_id=WORKER, context=context)
    )


async def enroll(client: RegistryClient, number: int) -> None:
    await client.enroll(
        EnrollRequest(namespace=NAMESPACE, display_name=f"Worker {number}", capabilities=(CAPABILITY,), sha256=HASH)
    )


async def attest(client: RegistryClient, number: int) -> None:
    await client.attest(WORKER, f"{number:064x}")


@asynccontextmanager
async def sending(rig: Rig, send: Callable[[int], Awaitable[object]], many: int = 1_000) -> AsyncIterator[list[float]]:
    """Send that many in turn, eight at a time as the screens do; yields when each answer came."""
    came: list[float] = []
    numbers = iter(range(many))

    async def some() -> None:
        for number in numbers:
            try:
                await rig.monitor.queue.take(lambda number=number: send(number))  # type: ignore[misc]
            except RegistryError:
                continue
            came.append(rig.clock.now().mono)

    tasks = [asyncio.create_task(some()) for _ in range(8)]
    try:
        yield came
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def gaps(rig: Rig) -> list[float]:
    """Return the seconds between two requests for the ban list, up to now."""
    return [b - a for a, b in pairwise([*(asked.mono for asked in rig.lists), rig.clock.now().mono])]


@asynccontextmanager
async def limited(workers: int, **settings: float) -> AsyncIterator[tuple[LiveHall, Rig, list[str]]]:
    """A hall that answers 429 above the profile's rate, on the test's clock too, watched for a while."""
    clock = ManualClock()
    with live_hall(rate=RATE, clock=clock) as hall:
        ids = fleet_of(hall, workers)
        known = {"requests_per_second": RATE, "ban_list_interval": INTERVAL, "poll_interval": 10.0} | settings
        async with polling(hall, clock=clock, **known) as rig:
            rig.watch(*ids)
            await rig.advance(INTERVAL)
            yield hall, rig, ids


@asynccontextmanager
async def simulated(workers: int) -> AsyncIterator[tuple[SimulatedRegistry, Rig]]:
    """A registry in simulated time, watched."""
    clock, ids = ManualClock(), [f"wkr_{number}" for number in range(workers)]
    registry = SimulatedRegistry(clock, ids)
    profile = Profile(name="t", namespace="n", registry_url="http://x", poll_interval=60.0, ban_list_interval=INTERVAL)
    async with running(Rig(registry, profile, clock)) as rig:
        rig.watch(*ids)
        yield registry, rig


@pytest.mark.thorough
@pytest.mark.parametrize("send", [dispatch, enroll, attest])
async def test_what_you_send_leaves_the_ban_list_on_time_and_the_sweep_within_its_interval(send: Send) -> None:
    """A matrix of dispatches, a batch of enrollments, or many attestations, at a registry with a rate limit."""
    async with limited(40) as (_, rig, ids):
        client = rig.client
        assert client is not None
        async with sending(rig, lambda number: send(client, number)) as came:
            await rig.advance(20)
            assert max(gaps(rig)) <= INTERVAL + 0.001
            now = rig.clock.now()
            assert {worker_id for worker_id, asked in rig.verdicts if now.mono - asked.mono <= 10.5} == set(ids)
            assert status_cells(rig.monitor.state, now, 10)[0].text == "● live"
            assert len(came) > 20 * RATE * 0.7  # what the watching does not need is theirs
            assert rig.monitor.state.rate == RATE  # and no 429 came


@pytest.mark.thorough
async def test_a_sweep_that_is_behind_and_what_you_send_take_turns() -> None:
    async with limited(1_000) as (_, rig, _ids):
        client = rig.client
        assert client is not None
        rig.verdicts.clear()
        async with sending(rig, lambda number: dispatch(client, number)) as came:
            await rig.advance(10)
            assert max(gaps(rig)) <= INTERVAL + 0.001
            assert 85 <= len(rig.verdicts) <= 110
            assert 85 <= len(came) <= 110


@pytest.mark.thorough
async def test_verifying_many_by_hand_delays_neither_the_ban_list_nor_what_you_send() -> None:
    async with limited(300) as (_, rig, ids):
        client = rig.client
        assert client is not None
        rig.monitor.bring_forward(ids)
        async with sending(rig, lambda number: dispatch(client, number)) as came:
            await rig.advance(10)
            assert max(gaps(rig)) <= INTERVAL + 0.06  # before anything else waits, a verify may take its request
            assert len(came) > 80


@pytest.mark.thorough
async def test_dispatches_that_hang_leave_slots_for_the_sweep() -> None:
    """A registry that decides slowly: each dispatch takes until its time-out."""
    async with simulated(30) as (registry, rig):

        async def hang(_: int) -> None:
            await rig.clock.sleep(10.0)

        await rig.clock.advance(10)
        async with sending(rig, hang):
            await rig.clock.advance(60)
            now = rig.clock.now()
            recent = {worker_id for asked, worker_id in registry.asked if now.mono - asked <= 60}
            assert len(recent) == 31  # all workers and the ban list
            assert max(gaps(rig)) <= INTERVAL + 0.11


@pytest.mark.thorough
async def test_a_lost_registry_is_found_again_while_dispatches_hang() -> None:
    async with simulated(30) as (registry, rig):

        async def hang(_: int) -> None:
            await rig.clock.sleep(10.0)

        await rig.clock.advance(10)
        async with sending(rig, hang):
            registry.down = True
            await rig.clock.advance(60)
            assert rig.monitor.state.reach is Reachability.LOST
            registry.cut = {""}  # the ban list stays away: only workers show that it is back
            registry.down = False
            await rig.clock.advance(60)
            assert rig.monitor.state.reach is Reachability.LIVE


async def test_a_ban_list_that_429s_keep_away_is_late_and_the_header_does_not_say_live() -> None:
    async with simulated(3) as (registry, rig):
        await rig.clock.advance(6)
        registry.limited = True
        shown = []
        for _ in range(30):
            await rig.clock.advance(1)
            shown.append(" ".join(cell.text for cell in status_cells(rig.monitor.state, rig.clock.now(), 10)[:2]))
        assert rig.monitor.state.ban_list is BanListState.LIVE  # nothing says that it fails
        assert shown[0].startswith("● live")
        assert "live" not in shown[-1]
        assert "list ▲ late" in shown[-1]


async def test_a_ban_list_that_never_came_is_late_too() -> None:
    async with simulated(3) as (registry, rig):
        registry.limited = True
        await rig.clock.advance(30)
        assert rig.monitor.state.is_list_late(rig.clock.now().mono, 10)


async def test_an_engine_that_has_stopped_holds_nobody_up(hall: LiveHall) -> None:
    clock = ManualClock()
    async with polling(hall, clock=clock) as rig:
        rig.watch(WORKER)
        await rig.advance(1)
    sent: list[int] = []

    async def note() -> None:
        sent.append(1)

    turn = asyncio.create_task(rig.monitor.queue.take(note))
    await clock.advance(60)
    assert sent
    await turn
