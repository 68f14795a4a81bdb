"""The engine against a real hall, on a clock that the test moves."""

from typing import Any

import pytest

from pyhall_tui.fleet.entry import State
from pyhall_tui.fleet.events import Kind
from pyhall_tui.monitor.connection_state import BanListState, Reachability
from pyhall_tui.monitor.engine import MISSING_BAN_LIST_AGAIN
from pyhall_tui.monitor.outcomes import LOST_AFTER
from tests.hall.tampering import tampering
from tests.live_hall import WORKER, LiveHall, live_hall
from tests.monitor.rig import Rig, polling


def fleet_of(hall: LiveHall, count: int) -> list[str]:
    for number in range(count):
        hall.add_worker(f"wkr_{number}", sha256=f"{number:064x}")
    return [f"wkr_{number}" for number in range(count)]


def verified(hall: LiveHall) -> int:
    return sum("/verify/" in request.raw_path for request in hall.requests)


async def test_every_worker_is_verified_once_within_its_interval_and_evenly(hall: LiveHall) -> None:
    ids = fleet_of(hall, 20)
    async with polling(hall, poll_interval=60) as rig:
        rig.watch(*ids)
        await rig.advance(10)
        assert {worker_id for worker_id, _ in rig.verdicts} == set(ids)
        rig.verdicts.clear()
        await rig.advance(60)
        assert {worker_id for worker_id, _ in rig.verdicts} == set(ids)
        gaps = [b.mono - a.mono for (_, a), (_, b) in zip(rig.verdicts, rig.verdicts[1:], strict=False)]
        assert max(gaps) < 2 * 60 / 20
        assert min(gaps) > 60 / 20 / 2


async def test_the_first_round_keeps_to_the_budget(hall: LiveHall) -> None:
    ids = fleet_of(hall, 40)
    async with polling(hall, requests_per_second=5, ban_list_interval=3600) as rig:
        rig.watch(*ids)
        await rig.advance(4)
        assert 15 <= len(rig.verdicts) <= 22


async def test_a_ban_is_seen_by_the_list_within_its_interval_and_verified_at_once(hall: LiveHall) -> None:
    ids = fleet_of(hall, 30)
    async with polling(hall, poll_interval=3600, ban_list_interval=5) as rig:
        rig.watch(*ids)
        await rig.advance(20)
        hall.store.ban("wkr_7", "exfiltrates")
        rig.verdicts.clear()
        await rig.advance(5.5)
        (event,) = rig.events
        assert (event.kind, event.worker_id, event.source) == (Kind.BANNED, "wkr_7", "ban list")
        assert rig.verdicts[0][0] == "wkr_7"
        entry = rig.fleet.get("wkr_7")
        assert entry is not None
        assert entry.verdict is not None
        assert entry.verdict.banned


async def test_what_the_list_no_longer_names_is_verified_before_the_rest(hall: LiveHall) -> None:
    ids = fleet_of(hall, 30)
    async with polling(hall, poll_interval=3600, requests_per_second=10, ban_list_interval=5) as rig:
        rig.watch(*ids)
        for number in range(20):
            hall.store.ban_hash(f"{number:064x}", "exfiltrates")
        await rig.advance(20)
        assert rig.states.count(State.BANNED) == 20
        for number in range(20):
            hall.store.unban_hash(f"{number:064x}")
        rig.verdicts.clear()
        await rig.advance(5 + 20 / 10 * 4 / 3 + 1)
        assert set(rig.states) == {State.CLEAN}
        assert {worker_id for worker_id, _ in rig.verdicts[:20]} == set(ids[:20])


async def test_a_registry_without_a_ban_list_is_noticed_once_and_asked_again_rarely() -> None:
    with live_hall(ban_list=False) as hall:
        async with polling(hall, ban_list_interval=5) as rig:
            rig.watch(WORKER)
            await rig.advance(100)
            assert rig.kinds() == [Kind.BAN_LIST_MISSING]
            assert rig.monitor.state.ban_list is BanListState.MISSING
            assert rig.monitor.state.reach is Reachability.LIVE
            asked = [r for r in hall.requests if "/ban-list" in r.raw_path]
            assert len(asked) == 1
            hall.hall.ban_list = True
            await rig.advance(MISSING_BAN_LIST_AGAIN)
            assert rig.monitor.state.ban_list is BanListState.LIVE


async def test_what_is_on_screen_is_freshest_and_nobody_starves(hall: LiveHall) -> None:
    ids = fleet_of(hall, 60)
    async with polling(hall, poll_interval=30, requests_per_second=4, ban_list_interval=3600) as rig:
        rig.watch(*ids)
        await rig.advance(20)
        seen = ids[:10]
        rig.monitor.watch_closely(seen)
        rig.verdicts.clear()
        await rig.advance(60)
        close = min(rig.times_asked(worker_id) for worker_id in seen)
        others = [rig.times_asked(worker_id) for worker_id in ids[10:]]
        assert close >= 5
        assert min(others) >= 2
        assert max(others) <= 3


async def test_one_worker_is_never_verified_twice_at_the_same_time(hall: LiveHall) -> None:
    hall.faults.add(path="/api/v1/verify/*", latency=0.05)
    async with polling(hall, requests_per_second=100) as rig:
        rig.watch(WORKER)
        for _ in range(5):
            rig.monitor.bring_forward([WORKER])
        await rig.clock.advance(0.2)
        assert rig.monitor.in_flight <= 2
        assert verified(hall) <= 1


@pytest.mark.thorough
async def test_a_429_is_obeyed_slows_the_engine_and_it_feels_its_way_up_again(hall: LiveHall) -> None:
    ids = fleet_of(hall, 30)
    async with polling(hall, requests_per_second=10, poll_interval=5, ban_list_interval=3600) as rig:
        rig.watch(*ids)
        await rig.advance(10)
        hall.faults.add(path="/api/v1/verify/*", status=429, retry_after=7, count=1)
        await rig.advance(1)
        limited_at = len(rig.verdicts)
        assert rig.kinds() == [Kind.RATE_LIMITED]
        await rig.advance(5)
        assert len(rig.verdicts) == limited_at
        await rig.advance(5)
        slow = len(rig.verdicts) - limited_at
        assert 8 <= slow <= 25
        assert rig.monitor.state.rate < 10
        await rig.advance(40)
        assert rig.monitor.state.rate == 10
        assert rig.monitor.state.reach is Reachability.LIVE


async def test_a_503_that_says_when_to_come_back_is_obeyed_as_a_429_is(hall: LiveHall) -> None:
    """F18."""
    ids = fleet_of(hall, 30)
    async with polling(hall, requests_per_second=10, poll_interval=5, ban_list_interval=5) as rig:
        rig.watch(*ids)
        await rig.advance(10)
        hall.faults.add(path="*", status=503, retry_after=40)
        await rig.advance(1)
        hall.requests.clear()
        await rig.advance(35)
        assert not hall.requests
        state = rig.monitor.state
        assert (state.limited_until or state.next_try or 0) - rig.clock.now().mono > 0
        await rig.advance(10)
        assert 1 <= len(hall.requests) <= 3


async def test_if_the_sweep_is_too_slow_its_real_interval_is_reported(hall: LiveHall) -> None:
    ids = fleet_of(hall, 50)
    async with polling(hall, requests_per_second=2, poll_interval=10, ban_list_interval=60) as rig:
        rig.watch(*ids)
        await rig.advance(5)
        held = rig.monitor.state.holdable_interval
        assert held is not None
        assert 24 < held < 60


async def test_a_lost_registry_is_reported_once_and_tried_by_single_probes_until_it_answers(hall: LiveHall) -> None:
    ids = fleet_of(hall, 20)
    async with polling(hall, poll_interval=20, ban_list_interval=5) as rig:
        rig.watch(*ids)
        await rig.advance(10)
        fault = hall.faults.add(path="*", status=500)
        hall.requests.clear()
        await rig.advance(120)
        assert rig.kinds() == [Kind.REGISTRY_LOST]
        assert rig.monitor.state.reach is Reachability.LOST
        assert LOST_AFTER <= len(hall.requests) <= LOST_AFTER + 120 / 5
        hall.faults.clear()
        assert fault is not None
        hall.requests.clear()
        await rig.advance(60)
        assert rig.kinds() == [Kind.REGISTRY_LOST, Kind.REGISTRY_REGAINED]
        at_most = 60 * rig.monitor.state.full_rate
        assert len(hall.requests) < at_most


async def test_one_worker_that_always_fails_does_not_make_the_registry_unreachable(hall: LiveHall) -> None:
    ids = fleet_of(hall, 10)
    hall.faults.add(path="/api/v1/verify/wkr_3", status=500)
    async with polling(hall, poll_interval=10) as rig:
        rig.watch(*ids)
        await rig.advance(60)
        assert rig.events == []
        assert {worker_id for worker_id, _ in rig.failures} == {"wkr_3"}


async def test_all_is_stale_after_a_long_sleep_then_one_probe_at_a_time_then_a_spread_catch_up(hall: LiveHall) -> None:
    """F19: eight hours asleep, no name resolution for a minute."""
    ids = fleet_of(hall, 50)
    async with polling(hall, poll_interval=60, ban_list_interval=5, requests_per_second=10) as rig:
        rig.watch(*ids)
        await rig.advance(30)
        hall.faults.add(path="*", drop="unheard")
        rig.clock.skip(8 * 3600)
        counts = rig.fleet.counts(rig.clock.now().mono)
        assert counts[State.STALE] == 50
        hall.requests.clear()
        await rig.advance(60)
        assert len(hall.requests) < 40
        hall.faults.clear()
        hall.requests.clear()
        rig.monitor.try_now()
        await rig.advance(10)
        assert len(hall.requests) <= 10 * 10 + 3
        assert rig.fleet.counts(rig.clock.now().mono)[State.CLEAN] == 50


async def test_a_registry_that_cannot_be_reached_at_start_is_lost_and_found_later() -> None:
    """F21."""
    with live_hall() as hall:
        hall.faults.add(path="*", drop="unheard")
        async with polling(hall) as rig:
            rig.watch(WORKER)
            await rig.advance(30)
            assert rig.monitor.state.reach is Reachability.LOST
            assert rig.monitor.state.next_try is not None
            hall.faults.clear()
            await rig.advance(60)
            assert rig.monitor.state.reach is Reachability.LIVE


@pytest.mark.thorough
@pytest.mark.parametrize("broken", [{"status": 503}, {"drop": "unheard"}])
async def test_after_a_long_outage_the_registry_is_noticed_within_ten_seconds(
    hall: LiveHall, broken: dict[str, Any]
) -> None:
    """Until then it is asked one thing at a time, never faster than every few seconds."""
    ids = fleet_of(hall, 20)
    async with polling(hall, ban_list_interval=5, poll_interval=60) as rig:
        rig.watch(*ids)
        await rig.advance(30)
        hall.faults.add(path="*", **broken)
        await rig.advance(600)
        assert rig.monitor.state.reach is Reachability.LOST
        hall.requests.clear()
        await rig.advance(120)
        assert 120 / 10 <= len(hall.requests) <= 120 / 5 + 1
        hall.store.ban(ids[7], "exfiltrates")
        hall.faults.clear()
        rig.lists.clear()
        cleared = rig.clock.now().mono
        await rig.advance(12)
        assert rig.monitor.state.reach is Reachability.LIVE
        assert rig.lists and rig.lists[0].mono - cleared <= 12
        assert rig.fleet.counts(rig.clock.now().mono)[State.BANNED] == 1


@pytest.mark.thorough
async def test_a_list_that_stays_away_after_an_outage_is_asked_for_again_in_seconds(hall: LiveHall) -> None:
    """The outage made the pauses between two requests for it long; only the verifies are back at first."""
    ids = fleet_of(hall, 3)
    async with polling(hall, ban_list_interval=5, poll_interval=20) as rig:
        rig.watch(*ids)
        await rig.advance(30)
        hall.faults.add(path="*", status=503)
        await rig.advance(600)
        hall.faults.clear()
        hall.faults.add(path="/api/v1/ban-list*", status=503)
        await until_live(rig)
        hall.faults.clear()
        rig.lists.clear()
        await rig.advance(5.5)
        assert rig.lists


async def until_live(rig: Rig) -> None:
    for _ in range(60):
        if rig.monitor.state.reach is Reachability.LIVE:
            return
        await rig.advance(1)
    raise AssertionError("two workers answer, and the registry still counts as lost")


async def test_a_rejected_key_is_reported_once_and_a_good_one_later_is_noticed(hall: LiveHall) -> None:
    async with polling(hall) as rig:
        rig.watch(WORKER)
        await rig.advance(5)
        fault = hall.faults.add(path="/api/v1/verify/*", status=401)
        await rig.advance(150)
        assert rig.kinds() == [Kind.KEY_REJECTED]
        assert rig.monitor.state.reach is Reachability.KEY_REJECTED
        assert fault is not None
        hall.faults.clear()
        await rig.advance(70)
        assert rig.kinds() == [Kind.KEY_REJECTED, Kind.KEY_ACCEPTED]


async def test_a_portals_page_makes_verdicts_stale_and_never_changes_one(hall: LiveHall) -> None:
    """F17: a wifi portal answers every request with 200 and HTML."""
    async with polling(hall, poll_interval=10) as rig:
        rig.watch(WORKER)
        await rig.advance(5)
        hall.faults.add(path="*", body="<html><title>Welcome to HotelNet</title>")
        await rig.advance(60)
        assert rig.monitor.state.reach is Reachability.LOST
        assert "HotelNet" in rig.monitor.state.sentence
        assert rig.fleet.counts(rig.clock.now().mono)[State.STALE] == 1


async def test_an_empty_store_at_the_same_address_makes_all_unknown_within_the_due_time(hall: LiveHall) -> None:
    """F20."""
    ids = fleet_of(hall, 5)
    async with polling(hall, poll_interval=20) as rig:
        rig.watch(*ids)
        await rig.advance(10)
        for worker_id in ids:
            hall.store.withdraw(worker_id)
        with tampering(hall.store) as db:
            db.execute("DELETE FROM workers")
        await rig.advance(21)
        assert rig.fleet.counts(rig.clock.now().mono)[State.UNKNOWN] == 5
        assert rig.kinds().count(Kind.VANISHED) == 5


@pytest.mark.parametrize("jump", [-3600, 90, 86_400])
async def test_a_wall_clock_that_jumps_moves_neither_schedule_nor_ages(hall: LiveHall, jump: float) -> None:
    """F23."""
    async with polling(hall, poll_interval=20) as rig:
        rig.watch(WORKER)
        await rig.advance(5)
        rig.clock.jump_wall(jump)
        before = len(rig.verdicts)
        await rig.advance(21)
        assert before + 1 <= len(rig.verdicts) <= before + 4
        assert rig.fleet.counts(rig.clock.now().mono)[State.CLEAN] == 1


async def test_workers_no_longer_watched_are_no_longer_verified(hall: LiveHall) -> None:
    ids = fleet_of(hall, 4)
    async with polling(hall, poll_interval=10) as rig:
        rig.watch(*ids)
        await rig.advance(10)
        rig.monitor.unwatch(ids[:3])
        rig.verdicts.clear()
        await rig.advance(30)
        assert {worker_id for worker_id, _ in rig.verdicts} == {ids[3]}
