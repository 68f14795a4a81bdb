"""What the engine says of each source: when it last answered, what it fails with, and how often."""

import pytest

from pyhall_tui.bans.lookup import flaw_of
from pyhall_tui.fleet.entry import State
from pyhall_tui.fleet.events import Kind
from pyhall_tui.hall.session import UpstreamError
from pyhall_tui.hall.upstream import Heard, Upstream
from pyhall_tui.monitor.connection_state import BanListState, Reachability
from pyhall_tui.monitor.registry_events import is_list_failing
from tests.live_hall import WORKER, LiveHall
from tests.monitor.rig import polling
from tests.monitor.test_engine import fleet_of
from tests.monitor.test_standing import later, simulated


async def test_a_source_that_answers_says_when(hall: LiveHall) -> None:
    async with polling(hall, ban_list_interval=5, poll_interval=20) as rig:
        rig.watch(*fleet_of(hall, 4))
        await rig.advance(21)
        state, now = rig.monitor.state, rig.clock.now().mono
        listed, verified = state.ban_list_source, state.verify_source
        assert listed.answered is not None and now - listed.answered <= 5
        assert verified.answered is not None and now - verified.answered <= 6
        assert (listed.word, listed.failures, verified.word, verified.failures) == ("", 0, "", 0)


@pytest.mark.parametrize("status", [400, 403, 404, 500])
@pytest.mark.thorough
async def test_only_the_source_that_fails_has_a_word_and_a_count(hall: LiveHall, status: int) -> None:
    """F53: also 400 and 404 for all; the count goes back to nothing when it is over."""
    async with polling(hall, poll_interval=20) as rig:
        rig.watch(*fleet_of(hall, 20))
        await rig.advance(10)
        hall.faults.add(path="/api/v1/verify/*", status=status)
        hall.requests.clear()
        await rig.advance(20)
        state = rig.monitor.state
        asked = sum("/verify/" in request.raw_path for request in hall.requests)
        assert state.verify_source.word == str(status)
        assert state.verify_source.failures == asked > 5
        assert (state.ban_list_source.word, state.ban_list_source.failures) == ("", 0)
        hall.faults.clear()
        await rig.advance(20)
        assert (rig.monitor.state.verify_source.word, rig.monitor.state.verify_source.failures) == ("", 0)


async def test_one_workers_refusal_is_not_the_sources(hall: LiveHall) -> None:
    """F53."""
    hall.faults.add(path="/api/v1/verify/wkr_3", status=403)
    async with polling(hall, poll_interval=10) as rig:
        rig.watch(*fleet_of(hall, 6))
        await rig.advance(60)
        source = rig.monitor.state.verify_source
        assert source.word == ""
        assert source.failures <= 1


async def test_a_ban_list_is_down_only_once_it_failed_again_and_for_seconds(hall: LiveHall) -> None:
    """F54: once is no alarm."""
    async with polling(hall, ban_list_interval=5) as rig:
        rig.watch(WORKER)
        await rig.advance(6)
        hall.faults.add(path="/api/v1/ban-list", status=403)
        rig.monitor.try_now()
        await rig.advance(0.5)
        assert (rig.monitor.state.ban_list, rig.monitor.state.ban_list_down) == (BanListState.FAILING, False)
        await rig.advance(8)
        state = rig.monitor.state
        assert state.ban_list_down
        assert state.ban_list_source.word == "403" and state.ban_list_source.failures >= 2
        assert state.verify_source.word == ""
        hall.faults.clear()
        await rig.advance(6)
        assert (rig.monitor.state.ban_list, rig.monitor.state.ban_list_down) == (BanListState.LIVE, False)


async def test_a_registry_that_stops_answering_is_silent_before_it_is_lost() -> None:
    """F53: nothing has answered within the time-out, so it is not live."""
    async with simulated(1, poll_interval=60) as (registry, rig):
        await later(rig, 20)
        assert not rig.monitor.state.is_silent(rig.clock.now().mono, 10)
        registry.hanging |= {"", *registry.hashes}
        silent_at = lost_at = None
        for second in range(60):
            await later(rig, 1)
            state = rig.monitor.state
            if silent_at is None and state.is_silent(rig.clock.now().mono, 10):
                silent_at = second
            if lost_at is None and state.reach is Reachability.LOST:
                lost_at = second
        assert silent_at is not None and lost_at is not None
        assert silent_at <= 16 and silent_at <= lost_at <= 35
        assert rig.kinds() == [Kind.REGISTRY_LOST]


async def test_requests_under_way_when_a_registry_is_lost_do_not_put_off_its_next_try() -> None:
    """Eight of them end after it is known to be lost: that is one failure, not eight in a row."""
    async with simulated(40, poll_interval=10, requests_in_flight=8) as (registry, rig):
        await later(rig, 20)
        registry.hanging |= {"", *registry.hashes}
        while rig.monitor.state.reach is not Reachability.LOST:
            await later(rig, 0.5)
        await later(rig, 11)
        state, now = rig.monitor.state, rig.clock.now().mono
        assert state.next_try is not None and state.next_try - now <= 8
        registry.hanging.clear()
        await later(rig, 20)
        assert rig.monitor.state.reach is Reachability.LIVE


async def test_answers_that_come_too_slowly_are_told_with_the_round_that_they_make() -> None:
    """F53: none fails, but nothing is verified within its interval any more."""
    async with simulated(30, poll_interval=30, requests_in_flight=4) as (registry, rig):
        await later(rig, 30)
        assert rig.monitor.state.slow is None and rig.monitor.state.holdable_interval is None
        registry.latency = 9.0
        await later(rig, 90)
        state = rig.monitor.state
        assert state.slow == 9.0
        assert state.holdable_interval is not None and 80 <= state.holdable_interval <= 400
        assert state.verify_source.took > 8
        registry.latency = 0.05
        await later(rig, 60)
        assert rig.monitor.state.slow is None


@pytest.mark.thorough
async def test_a_list_that_was_read_long_ago_is_old_until_a_fresh_one_comes(hall: LiveHall) -> None:
    """A cache's, or that of a hall that can't reach its upstream; also if it is the same list as before."""

    async def unreachable() -> Heard:
        raise UpstreamError("no answer")

    async with polling(hall, ban_list_interval=5) as rig:
        rig.watch(WORKER)
        await rig.advance(6)
        assert rig.monitor.state.ban_list is BanListState.LIVE
        hall.hall.upstream = Upstream("http://up", unreachable, hall.store, rig.clock)
        await rig.advance(6)
        state = rig.monitor.state
        assert (state.reach, state.ban_list) == (Reachability.LIVE, BanListState.OLD)
        assert "over 5 minutes ago" in state.ban_list_sentence and is_list_failing(state)
        listing = rig.fleet.listing
        assert listing is not None and "that list has an unknown age" in flaw_of(listing)
        hall.store.ban(WORKER, "exfiltrates")
        await rig.advance(6)
        assert rig.fleet.counts(rig.clock.now().mono)[State.BANNED] == 1, "its own bans count as ever"
        hall.hall.upstream = None
        await rig.advance(6)
        assert rig.monitor.state.ban_list is BanListState.LIVE
        listing = rig.fleet.listing
        assert listing is not None and flaw_of(listing) == ""
