"""A live run on a clock that the test moves, against the hall's real policy."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import msgspec
import pytest

from pyhall_tui.dispatch.lab import Lab
from pyhall_tui.dispatch.live import SHORTEST_INTERVAL, LiveRun
from pyhall_tui.dispatch.result import Result
from pyhall_tui.fleet.events import Event, Kind
from pyhall_tui.hall.policy import Rule, load_rules, save_rules
from pyhall_tui.journal.journal import Journal
from pyhall_tui.profiles.api_key import ApiKey
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.registry.client import RegistryClient
from pyhall_tui.registry.models import DispatchRequest
from tests.clock import ManualClock
from tests.live_hall import CAPABILITY, WORKER, LiveHall
from tests.waiting import until

REQUEST = DispatchRequest(
    namespace="org.yourco", capability=CAPABILITY, worker_id=WORKER, context={"risk_tier": "low", "correlation_id": "x"}
)


class Rig:
    """A lab on the hall, its clock, and what it reported."""

    def __init__(self, hall: LiveHall, client: RegistryClient, clock: ManualClock, journal: Journal) -> None:
        self.hall, self.clock, self.journal = hall, clock, journal
        self.events: list[Event] = []
        profile = Profile(name="t", namespace="org.yourco", registry_url=hall.url)
        self.lab = Lab(
            profile,
            clock,
            journal,
            send=client.dispatch,
            send_in_turn=client.dispatch,
            take_events=self.events.extend,
        )

    async def came(self, run: LiveRun, count: int) -> None:
        """Let this many answers come, one tick at a time."""
        while sum(run.counts.values()) < count:
            before = sum(run.counts.values())
            await until(lambda before=before: sum(run.counts.values()) > before, clock=self.clock)

    def freeze(self) -> None:
        before = load_rules(self.hall.store)
        rule = Rule(id="freeze", outcome="deny", code="FROZEN")
        save_rules(self.hall.store, msgspec.structs.replace(before, rule=(rule, *before.rule)))


@pytest.fixture
async def rig(hall: LiveHall) -> AsyncIterator[Rig]:
    clock = ManualClock()
    profile = Profile(name="t", namespace="org.yourco", registry_url=hall.url)
    with Journal.in_memory(clock) as journal:
        async with RegistryClient(profile, ApiKey(hall.key), clock) as client:
            made = Rig(hall, client, clock, journal)
            yield made
            made.lab.close()


async def test_a_policy_that_changes_during_a_run_is_one_event(rig: Rig) -> None:
    run = rig.lab.start_live(REQUEST, 1.0)
    await rig.came(run, 3)
    rig.freeze()
    await rig.came(run, 6)

    (event,) = rig.events
    assert event.kind is Kind.DISPATCH_CHANGED
    assert (event.before, event.after) == ("allow", "deny FROZEN")
    assert event.worker_id == WORKER
    assert event.correlation_id == run.changes[0].correlation_id


async def test_each_repetition_has_its_own_correlation_id_and_its_row(rig: Rig) -> None:
    run = rig.lab.start_live(REQUEST, 1.0)
    await rig.came(run, 4)
    rig.lab.stop_live()

    ids = [sample.correlation_id for sample in run.samples]
    assert len(set(ids)) == len(ids)
    assert {row.correlation_id for row in rig.journal.dispatches("t")} >= set(ids)


async def test_a_missing_answer_is_not_a_change_of_the_answer(rig: Rig) -> None:
    run = rig.lab.start_live(REQUEST, 1.0)
    await rig.came(run, 2)
    rig.hall.faults.add(path="/api/v1/dispatch", status=500, count=1)
    await rig.came(run, 5)

    assert run.counts[Result.UNKNOWN] == 1
    assert rig.events == []


async def test_a_429_holds_the_run_back_for_as_long_as_it_says(rig: Rig) -> None:
    rig.hall.faults.add(path="/api/v1/dispatch", status=429, retry_after=30, count=1)
    run = rig.lab.start_live(REQUEST, 1.0)
    began = rig.clock.now().mono
    await rig.came(run, 2)

    assert rig.clock.now().mono - began >= 30


async def test_it_stops_at_once_and_what_was_seen_stays(rig: Rig) -> None:
    run = rig.lab.start_live(REQUEST, 1.0)
    await rig.came(run, 2)
    rig.lab.stop_live()
    await until(lambda: not run.is_running)

    seen = len(rig.hall.requests)
    await rig.clock.advance(10)
    assert len(rig.hall.requests) == seen
    assert sum(run.counts.values()) >= 2


async def test_a_new_run_takes_the_place_of_the_old_one(rig: Rig) -> None:
    first = rig.lab.start_live(REQUEST, 1.0)
    await rig.came(first, 1)
    second = rig.lab.start_live(REQUEST, 1.0)
    await until(lambda: not first.is_running)
    await rig.came(second, 1)

    assert rig.lab.live is second


async def test_a_run_continues_after_the_connection_was_closed_below_it(rig: Rig) -> None:
    broken = asyncio.get_running_loop().create_future()
    broken.cancel()
    calls = 0
    send = rig.lab._send

    async def once_cancelled(request: DispatchRequest) -> object:
        nonlocal calls
        calls += 1
        return await (broken if calls == 1 else send(request))

    rig.lab._send = once_cancelled  # type: ignore[assignment]
    run = rig.lab.start_live(REQUEST, 1.0)
    await rig.came(run, 2)

    assert [sample.result for sample in run.samples][:2] == [Result.UNKNOWN, Result.ALLOW]


def test_the_interval_is_never_shorter_than_its_bound() -> None:
    run = LiveRun(
        REQUEST,
        0.01,
        send=None,
        take_events=None,
        clock=ManualClock(),
        correlation_prefix="",  # type: ignore[arg-type]
    )

    assert run.interval == SHORTEST_INTERVAL
    with contextlib.suppress(IndexError):
        assert run.percentiles().p99 is None
