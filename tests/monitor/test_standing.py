"""Live means live: if most requests fail it is the registry's problem, if one worker's do it is that worker's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pyhall_tui.fleet.entry import State
from pyhall_tui.fleet.events import Kind, Severity
from pyhall_tui.monitor.connection_state import BanListState, Reachability
from pyhall_tui.profiles.profile import Profile
from tests.clock import ManualClock, settle
from tests.live_hall import WORKER, LiveHall, live_hall
from tests.monitor.rig import Rig, polling, running
from tests.monitor.simulated import SimulatedRegistry
from tests.monitor.test_engine import fleet_of

REFUSALS: list[tuple[str, dict[str, Any]]] = [
    ("400", {"status": 400}),
    ("403", {"status": 403}),
    ("404", {"status": 404}),
    ("405", {"status": 405}),
    ("500", {"status": 500}),
    ("not a registry's answer", {"body": "<html><title>Welcome to HotelNet</title>"}),
    ("not a registry's answer", {"body": '{"worker_id": "wkr_other", "status": "active"}'}),
    ("unreachable", {"drop": "answered"}),
]


def list_asked(hall: LiveHall) -> int:
    return sum("/ban-list" in request.raw_path for request in hall.requests)


@asynccontextmanager
async def simulated(count: int, **settings: Any) -> AsyncIterator[tuple[SimulatedRegistry, Rig]]:
    """An engine with that many workers, on a registry in simulated time; `settings` are the profile's."""
    ids = [f"wkr_{number}" for number in range(count)]
    clock = ManualClock()
    registry = SimulatedRegistry(clock, ids)
    profile = Profile(name="test", namespace="org.yourco", registry_url="http://127.0.0.1:1", **settings)
    async with running(Rig(registry, profile, clock)) as rig:
        rig.watch(*ids)
        yield registry, rig


async def later(rig: Rig, seconds: float) -> None:
    """Let simulated time pass."""
    await rig.clock.advance(seconds, lambda: settle(6))


@pytest.mark.parametrize(("word", "fault"), REFUSALS)
@pytest.mark.thorough
async def test_verifies_that_all_fail_while_the_ban_list_answers_are_one_alarm_of_the_registry(
    hall: LiveHall, word: str, fault: dict[str, Any]
) -> None:
    """F53: within seconds it is no longer live, and says what is refused; when that ends, one event says so."""
    ids = fleet_of(hall, 20)
    async with polling(hall, poll_interval=30) as rig:
        rig.watch(*ids)
        await rig.advance(20)
        assert rig.monitor.state.reach is Reachability.LIVE
        hall.faults.add(path="/api/v1/verify/*", **fault)
        await rig.advance(8)
        state = rig.monitor.state
        assert (state.reach, state.fault) == (Reachability.VERIFY_FAILING, word)
        assert state.sentence and state.advice
        assert state.ban_list is BanListState.LIVE
        hall.requests.clear()
        await rig.advance(32)
        assert list_asked(hall) >= 6
        of_registry = [event for event in rig.events if event.worker_id is None]
        assert [(event.kind, event.severity) for event in of_registry] == [(Kind.VERIFY_FAILING, Severity.ALARM)]
        assert of_registry[0].detail == state.sentence
        hall.faults.clear()
        await rig.advance(15)
        assert rig.monitor.state.reach is Reachability.LIVE
        of_registry = [event for event in rig.events if event.worker_id is None]
        assert [event.kind for event in of_registry] == [Kind.VERIFY_FAILING, Kind.VERIFY_RECOVERED]


@pytest.mark.parametrize("count", [1, 2, 3])
async def test_a_small_fleet_is_reported_within_seconds_too(hall: LiveHall, count: int) -> None:
    """F53: nobody waits for a whole round of a minute to learn that everything is refused."""
    ids = fleet_of(hall, count)
    async with polling(hall, poll_interval=60) as rig:
        rig.watch(*ids)
        await rig.advance(20)
        hall.faults.add(path="/api/v1/verify/*", status=403)
        rig.monitor.bring_forward(ids[:1])
        await rig.advance(10)
        assert rig.monitor.state.reach is Reachability.VERIFY_FAILING
        hall.faults.clear()
        await rig.advance(15)
        assert rig.monitor.state.reach is Reachability.LIVE


async def test_verifies_that_fail_from_the_start_are_never_live(hall: LiveHall) -> None:
    """F53."""
    hall.faults.add(path="/api/v1/verify/*", status=403)
    async with polling(hall) as rig:
        rig.watch(*fleet_of(hall, 5))
        for _ in range(40):
            await rig.advance(0.5)
            assert rig.monitor.state.reach is not Reachability.LIVE
        assert rig.monitor.state.reach is Reachability.VERIFY_FAILING
        assert rig.kinds() == [Kind.VERIFY_FAILING]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
async def test_one_workers_refusal_is_that_workers(hall: LiveHall, status: int) -> None:
    """F53."""
    ids = fleet_of(hall, 6)
    async with polling(hall, poll_interval=20) as rig:
        rig.watch(*ids)
        await rig.advance(20)
        hall.faults.add(path="/api/v1/verify/wkr_3", status=status)
        rig.monitor.bring_forward(["wkr_3"])
        for _ in range(60):
            await rig.advance(1)
            assert rig.monitor.state.reach is Reachability.LIVE
        assert [event for event in rig.events if event.worker_id is None] == []


async def test_answers_slower_than_the_time_out_are_a_failing_verify(hall: LiveHall) -> None:
    """F53: the registry is there, because the ban list answers."""
    async with simulated(20, poll_interval=30) as (registry, rig):
        await later(rig, 20)
        registry.hanging |= set(registry.hashes)
        await later(rig, 25)
        assert (rig.monitor.state.reach, rig.monitor.state.fault) == (Reachability.VERIFY_FAILING, "timed out")
        registry.hanging.clear()
        await later(rig, 30)
        assert rig.kinds() == [Kind.VERIFY_FAILING, Kind.VERIFY_RECOVERED]


@pytest.mark.thorough
async def test_half_of_the_answers_at_random_do_not_make_it_flap(hall: LiveHall) -> None:
    """F53, F114: an alarm that comes and goes is not an alarm."""
    ids = fleet_of(hall, 30)
    hall.faults.rng.seed(7)
    async with polling(hall, poll_interval=10) as rig:
        rig.watch(*ids)
        await rig.advance(10)
        hall.faults.add(path="/api/v1/verify/*", status=500, probability=0.5)
        await rig.advance(120)
        assert len(rig.events) <= 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 500])
async def test_a_ban_list_that_fails_once_is_failing_and_asked_again_in_seconds(hall: LiveHall, status: int) -> None:
    """F54: only a registry that never had a list has none."""
    async with polling(hall, ban_list_interval=60) as rig:
        rig.watch(WORKER)
        await rig.advance(10)
        hall.faults.add(path="/api/v1/ban-list", status=status, count=2 if status == 400 else 1)  # 400: the limit first
        rig.monitor.try_now()
        await rig.advance(0.2)
        assert rig.monitor.state.ban_list is BanListState.FAILING
        assert rig.monitor.state.ban_list_sentence
        assert rig.monitor.state.reach is Reachability.LIVE
        await rig.advance(5)
        assert rig.monitor.state.ban_list is BanListState.LIVE
        assert rig.events == []


async def test_a_ban_list_that_keeps_failing_is_requested_as_often_as_one_that_answers(hall: LiveHall) -> None:
    """F54."""
    async with polling(hall, ban_list_interval=5) as rig:
        rig.watch(WORKER)
        await rig.advance(10)
        hall.faults.add(path="/api/v1/ban-list", status=404)
        hall.requests.clear()
        await rig.advance(60)
        assert 12 <= list_asked(hall) <= 25
        assert rig.monitor.state.ban_list is BanListState.FAILING
        assert rig.monitor.state.reach is Reachability.LIVE


async def test_workers_that_never_answer_keep_neither_the_ban_list_nor_the_others_waiting() -> None:
    """F113: as many as may be in flight."""
    async with simulated(39, poll_interval=30, requests_in_flight=8) as (registry, rig):
        registry.hanging |= {f"wkr_{number}" for number in range(8)}
        rig.monitor.watch_closely(registry.hashes)
        await later(rig, 150)
        assert sum(not worker_id for _, worker_id in registry.asked) >= 29
        assert rig.events == []
        assert rig.monitor.state.reach is Reachability.LIVE
        assert registry.most_in_flight <= 8
        now = rig.clock.now().mono
        fresh = [entry for entry in rig.fleet if entry.verdict and not entry.is_stale(now, rig.fleet.stale_after)]
        assert len(fresh) == 31


async def test_the_ban_list_is_asked_though_the_one_request_in_flight_hangs() -> None:
    """F113."""
    async with simulated(3, poll_interval=30, requests_in_flight=1) as (registry, rig):
        registry.hanging |= set(registry.hashes)
        await later(rig, 100)
        assert sum(not worker_id for _, worker_id in registry.asked) >= 19


async def test_the_ban_list_finds_a_lost_registry_while_a_verify_hangs() -> None:
    """F113."""
    async with simulated(10, poll_interval=30) as (registry, rig):
        await later(rig, 20)
        registry.down = True
        await later(rig, 20)
        assert rig.monitor.state.reach is Reachability.LOST
        registry.down = False
        registry.hanging |= set(registry.hashes)
        await later(rig, 45)
        assert rig.monitor.state.ban_list is BanListState.LIVE
        assert rig.monitor.state.reach is Reachability.VERIFY_FAILING


@pytest.mark.parametrize("ban_list", ["answers", "is cut"])
async def test_one_worker_with_a_broken_connection_does_not_make_the_registry_unreachable(ban_list: str) -> None:
    """F114: 32 workers, 85 s; the ban list's connection may always break too."""
    async with simulated(32, poll_interval=10) as (registry, rig):
        await later(rig, 10)
        registry.cut = {"wkr_5"} | ({""} if ban_list == "is cut" else set())
        await later(rig, 85)
        assert rig.events == []
        assert rig.monitor.state.reach is Reachability.LIVE


async def test_one_workers_broken_connection_is_not_the_registrys_without_a_ban_list() -> None:
    """F114."""
    with live_hall(ban_list=False) as hall:
        hall.faults.add(path="/api/v1/verify/wkr_2", drop="unheard")
        async with polling(hall, poll_interval=10) as rig:
            rig.watch(*fleet_of(hall, 8))
            await rig.advance(85)
            assert rig.kinds() == [Kind.BAN_LIST_MISSING]


async def test_a_registry_that_loses_most_requests_is_lost_once() -> None:
    """F114: the few that get through don't make it reachable again."""
    async with simulated(32, poll_interval=10) as (registry, rig):
        await later(rig, 10)
        registry.cut = {"", *list(registry.hashes)[2:]}
        await later(rig, 85)
        assert rig.kinds() == [Kind.REGISTRY_LOST]
        registry.cut.clear()
        await later(rig, 65)
        assert rig.kinds() == [Kind.REGISTRY_LOST, Kind.REGISTRY_REGAINED]


async def test_an_emptied_registry_is_not_live_and_its_workers_are_unknown(hall: LiveHall) -> None:
    """F20, F53: one alarm for the registry besides the workers' states."""
    ids = fleet_of(hall, 12)
    async with polling(hall, poll_interval=20) as rig:
        rig.watch(*ids)
        await rig.advance(10)
        hall.faults.add(path="/api/v1/verify/*", status=404)
        await rig.advance(30)
        assert rig.monitor.state.fault == "404"
        assert rig.fleet.counts(rig.clock.now().mono)[State.UNKNOWN] == 12
        assert rig.kinds().count(Kind.VANISHED) == 12
        assert rig.kinds().count(Kind.VERIFY_FAILING) == 1


async def test_unknown_workers_are_not_the_registrys_fault(hall: LiveHall) -> None:
    async with polling(hall, poll_interval=20) as rig:
        rig.watch("wkr_typo", "wkr_wrong", "wkr_none")
        await rig.advance(60)
        assert rig.monitor.state.reach is Reachability.LIVE


async def test_a_registry_that_answers_404_to_everything_is_not_live() -> None:
    """F53: the address of something else."""
    with live_hall() as hall:
        hall.faults.add(path="*", status=404)
        async with polling(hall, poll_interval=20) as rig:
            rig.watch("wkr_1", "wkr_2", "wkr_3")
            await rig.advance(40)
            assert (rig.monitor.state.reach, rig.monitor.state.fault) == (Reachability.VERIFY_FAILING, "404")


async def test_a_rejected_key_of_a_fleet_is_reported_once_and_at_once(hall: LiveHall) -> None:
    ids = fleet_of(hall, 20)
    async with polling(hall, key="phk_live_wrong") as rig:
        rig.watch(*ids)
        await rig.advance(60)
        assert rig.kinds() == [Kind.KEY_REJECTED]
        assert sum("/verify/" in request.raw_path for request in hall.requests) <= 15
        assert list_asked(hall) >= 1
