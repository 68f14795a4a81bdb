"""The parts of a fleet of 100,000 workers by themselves: processor time and memory, without a terminal or a network.

A thread's processor time holds on a busy machine too. Each figure stands beside that with 1,000 workers.
"""

import random
import statistics
import time
from collections.abc import Callable, Iterator

from pyhall_tui.clock import Moment
from pyhall_tui.fleet.fleet import Fleet
from pyhall_tui.fleet.order import Roster, SortKey
from pyhall_tui.monitor.schedule import Schedule
from pyhall_tui.registry.decode import read_verdict
from tests.bench._registry import State, worker_id
from tests.bench._setting import resident_memory
from tests.bench.report import Row

FEW, MANY = 1_000, 100_000
_FILTER_MS, _SORT_MS, _KIB, _TURN_TIMES = 50.0, 100.0, 2.0, 1.5
_FILTERS = (
    "7",
    "worker-12",
    "a",
    "abcd",
    "stale",
    "bench clean",
    "zzz",
    "cap:a",
    "!ns:zzz attested:yes changed<1h",
    "state:clean,stale !hash:abc",
)
_INTERVAL = 60.0


def run(quick: bool) -> Iterator[Row]:
    """Measure a filter's character, a sort, a turn of the schedule and memory."""
    many, rounds = (20_000, 3) if quick else (MANY, 9)
    before = resident_memory()
    large = _verified(many)
    large.refresh(Moment(0.0, 2e9), "7", SortKey.STATE)
    each = (resident_memory() - before) * 1024 / many
    yield Row("memory a verified worker, fleet and table", each, "KiB", target=f"≤ {_KIB:g}", met=each <= _KIB)
    small = _verified(FEW)
    for query in _FILTERS:
        taken, few = (_filter(roster, query, rounds) for roster in (large, small))
        name = f"filter “{query}”, {many:,} workers, CPU"
        yield Row(name, taken, "ms", few, f"{FEW:,}", f"≤ {_FILTER_MS:g} ms", taken <= _FILTER_MS)
    for key in SortKey:
        taken, few = (_sort(roster, key, rounds) for roster in (large, small))
        name = f"sort by {key}, {many:,} workers, CPU"
        yield Row(name, taken, "ms", few, f"{FEW:,}", f"≤ {_SORT_MS:g} ms", taken <= _SORT_MS)
    for what, share in (("all well", 0.0), ("half the slots hang", 0.6)):
        taken, few = (_turn(count, share) for count in (many, FEW))
        met = taken <= few * _TURN_TIMES
        yield Row(f"a turn of the schedule, {what}, CPU", taken, "µs", few, f"{FEW:,}", f"≤ {_TURN_TIMES} x", met)


def _verified(count: int) -> Roster:
    """Return the roster of workers that were restored, and then verified; their states changed at random moments."""
    fleet, registry, chance = Fleet(_INTERVAL), State(count), random.Random(1)
    fleet.watch(registry.hashes)
    for number, each in enumerate(registry.hashes):
        fleet.restore(
            read_verdict(each, registry.verify(each), "bench-0"), None, chance.uniform(1e9, 2e9), Moment(0, 0)
        )
        now = Moment(number / count, 2e9 + number / count)
        fleet.apply(read_verdict(each, registry.verify(each), f"bench-{number}"), now, now)
    return Roster(fleet)


def _filter(roster: Roster, query: str, rounds: int) -> float:
    def filtered() -> None:
        roster.refresh(Moment(2.0, 2e9), query, SortKey.STATE)

    return _milliseconds(filtered, lambda: roster.refresh(Moment(2.0, 2e9), "", SortKey.STATE), rounds)


def _sort(roster: Roster, key: SortKey, rounds: int) -> float:
    other = SortKey.NAME if key is SortKey.AGE else SortKey.AGE
    return _milliseconds(
        lambda: roster.refresh(Moment(2.0, 2e9), "", key), lambda: roster.refresh(Moment(2.0, 2e9), "", other), rounds
    )


def _milliseconds(measured: Callable[[], object], before: Callable[[], object], rounds: int) -> float:
    took = []
    for _ in range(rounds):
        before()
        started = time.thread_time()
        measured()
        took.append(time.thread_time() - started)
    return statistics.median(took) * 1000


def _turn(count: int, failing: float) -> float:
    """Return the microseconds of one turn after a round in which that share failed; then those hang, others answer."""
    schedule, now = Schedule(_INTERVAL, 10.0), 0.0
    schedule.watch(worker_id(number) for number in range(count))
    failed: set[str] = set()
    while now < _INTERVAL:
        each, _ = schedule.next(now)
        if each is not None:
            is_failing = int(each[-5:]) < count * failing
            failed.update([each] if is_failing else [])
            schedule.came_back(each, failed=is_failing)
        now += _INTERVAL / count
    now += 2 * _INTERVAL
    turns = 500
    started = time.thread_time()
    for _ in range(turns):
        each, _ = schedule.next(now)
        if each is not None and each not in failed:
            schedule.came_back(each)
        now += 0.01
    return (time.thread_time() - started) / turns * 1e6
