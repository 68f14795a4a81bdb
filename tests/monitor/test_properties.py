"""What always holds: random schedules of bans, faults, limits and clock jumps in simulated time."""

import asyncio
import bisect
from collections.abc import Callable
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from pyhall_tui.fleet.entry import State
from pyhall_tui.fleet.events import Kind
from pyhall_tui.journal.journal import Journal
from pyhall_tui.monitor.rate_limiter import RateLimiter
from pyhall_tui.monitor.schedule import Schedule
from pyhall_tui.profiles.profile import Profile
from tests.clock import ManualClock, settle
from tests.examples import examples
from tests.monitor.rig import Rig, running
from tests.monitor.simulated import SimulatedRegistry

WORKERS = [f"wkr_{number}" for number in range(12)]
INTERVAL, LIST_INTERVAL, RATE, IN_FLIGHT = 30.0, 5.0, 4.0, 3


class Step(NamedTuple):
    """Something happens, then time passes."""

    action: str
    worker: str
    seconds: float


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(["ban", "unban", "down", "up", "limit", "unlimit", "wall", "slow", "quick", "look"]),
        st.sampled_from(WORKERS),
        st.floats(0.2, 12),
    ),
    max_size=8,
)


def happen(step: Step, registry: SimulatedRegistry, rig: Rig) -> None:
    actions: dict[str, Callable[[], object]] = {
        "ban": lambda: registry.banned.add(step.worker),
        "unban": lambda: registry.banned.discard(step.worker),
        "down": lambda: setattr(registry, "down", True),
        "up": lambda: setattr(registry, "down", False),
        "limit": lambda: setattr(registry, "limited", True),
        "unlimit": lambda: setattr(registry, "limited", False),
        "wall": lambda: rig.clock.jump_wall(step.seconds * 1000 - 5000),
        "slow": lambda: setattr(registry, "latency", 2.0),
        "quick": lambda: setattr(registry, "latency", 0.05),
        "look": lambda: rig.monitor.watch_closely([step.worker]),
    }
    actions[step.action]()


def no_stale_verdict_is_shown_as_fresh(rig: Rig) -> None:
    now = rig.clock.now().mono
    last = {worker_id: asked.mono for worker_id, asked in rig.verdicts}
    for entry in rig.fleet:
        if entry.state(now, rig.fleet.stale_after) is State.CLEAN:
            assert now - last[entry.worker_id] <= 2 * INTERVAL


def the_budget_is_never_exceeded(registry: SimulatedRegistry) -> None:
    times = [at for at, _ in registry.asked]
    for index, start in enumerate(times):
        within_ten = bisect.bisect_right(times, start + 10) - index
        assert within_ten <= 10 * RATE + 1 + 1e-6
    assert registry.most_in_flight <= IN_FLIGHT


async def _quick() -> None:
    await settle(6)


async def play(steps: list[Step]) -> tuple[SimulatedRegistry, Rig]:
    clock = ManualClock()
    registry = SimulatedRegistry(clock, WORKERS)
    profile = Profile(
        name="test",
        namespace="org.yourco",
        registry_url="http://127.0.0.1:1",
        poll_interval=INTERVAL,
        ban_list_interval=LIST_INTERVAL,
        requests_per_second=RATE,
        requests_in_flight=IN_FLIGHT,
    )
    async with running(Rig(registry, profile, clock)) as rig:
        rig.watch(*WORKERS)
        for step in steps:
            happen(step, registry, rig)
            await clock.advance(step.seconds, _quick)
            no_stale_verdict_is_shown_as_fresh(rig)
        registry.down = registry.limited = False
        registry.latency = 0.05
        calm = clock.now().mono
        await clock.advance(60 + INTERVAL + 5, _quick)
        recent = [worker_id for at, worker_id in registry.asked if at >= calm + 60]
        assert set(recent) >= set(WORKERS), "somebody starved"
    return registry, rig


@settings(max_examples=examples(20))
@given(STEPS)
def test_after_any_disorder_the_fleet_is_as_the_registry_has_it(steps: list[Step]) -> None:
    registry, rig = asyncio.run(play(steps))
    shown = {entry.worker_id for entry in rig.fleet if entry.ban}
    assert shown == registry.banned
    the_budget_is_never_exceeded(registry)
    assert not registry.doubled


@settings(max_examples=examples(20))
@given(st.lists(st.tuples(st.sampled_from(WORKERS), st.floats(6, 12)), min_size=1, max_size=6))
def test_no_ban_is_missed_while_the_registry_answers(bans: list[tuple[str, float]]) -> None:
    """Each ban that stands for one interval of the list is an event, whichever source saw it first."""

    async def run() -> Rig:
        steps = [Step("ban", worker, seconds) for worker, seconds in bans]
        _, rig = await play(steps)
        return rig

    rig = asyncio.run(run())
    told = [event.worker_id for event in rig.events if event.kind is Kind.BANNED]
    assert sorted(told, key=str) == sorted({worker for worker, _ in bans})


@settings(max_examples=examples(10))
@given(STEPS)
def test_the_journal_is_equal_to_what_happened(steps: list[Step]) -> None:
    _, rig = asyncio.run(play(steps))
    with Journal.in_memory(rig.clock) as journal:
        for event in rig.events:
            journal.record_event("test", event)
        assert journal.flush(30)
        kept = journal.events("test", limit=10_000)
    assert sum(event.count for event in kept) == len(rig.events)
    for kind in {event.kind for event in rig.events} - {Kind.BANNED, Kind.UNBANNED}:
        happened = {(event.worker_id, event.kind) for event in rig.events if event.kind is kind}
        families = {event.worker_id for event in kept}
        assert {worker for worker, _ in happened} <= families


@settings(max_examples=examples(200))
@given(st.lists(st.tuples(st.floats(0, 5), st.booleans()), max_size=60), st.floats(0.5, 50))
def test_the_budget_gives_no_more_than_its_rate_in_any_span(steps: list[tuple[float, bool]], rate: float) -> None:
    now, taken = 0.0, []
    budget = RateLimiter(rate, in_flight=1_000, now=now)
    for passed, limited in steps:
        now += passed
        while budget.wait(now) == 0.0:
            budget.take()
            taken.append(now)
        if limited:
            budget.limited(now, 1.0)
    for index, start in enumerate(taken):
        span = taken[index:]
        assert all(count <= rate * (at - start) + 2 + 1e-6 for count, at in enumerate(span, start=1))


@given(st.integers(1, 40), st.sets(st.integers(0, 39), max_size=10), st.floats(1, 20))
def test_the_schedule_visits_everybody_however_many_are_watched_closely(
    count: int, close: set[int], rate: float
) -> None:
    schedule = Schedule(interval=30, close_interval=5)
    ids = [f"wkr_{number}" for number in range(count)]
    schedule.watch(ids)
    schedule.watch_closely(f"wkr_{number}" for number in close)
    now, seen = 0.0, set()
    rounds = max(30.0, 4 * count / rate) * 1.5
    while now < rounds:
        worker_id, _ = schedule.next(now)
        if worker_id is not None:
            seen.add(worker_id)
            schedule.came_back(worker_id)
        now += 1 / rate
    assert seen == set(ids)
