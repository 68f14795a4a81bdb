"""The order of verifies, with so many workers that no turn may look at each of them."""

from pyhall_tui.monitor.schedule import Schedule

INTERVAL = 60.0
MANY = 5_000


class CountedId(str):
    """An id that counts how often ids are looked up."""

    lookups = 0
    __slots__ = ()

    def __hash__(self) -> int:
        CountedId.lookups += 1
        return super().__hash__()


def test_failing_workers_that_must_wait_are_not_skipped_one_by_one() -> None:
    """Half the slots hang with failing workers, which are the oldest: the next healthy one is found at once."""
    schedule, failing = Schedule(INTERVAL, 10.0, slots=8), MANY // 2
    schedule.watch([CountedId(f"wkr_{number}") for number in range(MANY)])
    now = 0.0
    for number in range(MANY):
        worker_id, _ = schedule.next(now)
        assert worker_id is not None
        schedule.came_back(worker_id, failed=number < failing)
        now += INTERVAL / MANY
    now += 2 * INTERVAL
    hanging = [schedule.next(now)[0] for _ in range(4)]
    assert hanging == [f"wkr_{number}" for number in range(4)]
    CountedId.lookups = 0
    for number in range(100):
        worker_id, _ = schedule.next(now)
        assert worker_id == f"wkr_{failing + number}"
        schedule.came_back(worker_id)
    assert CountedId.lookups < 100 * 100


def test_a_failing_worker_takes_its_turn_among_the_others_and_joins_them_again() -> None:
    schedule = Schedule(INTERVAL, 10.0)
    schedule.watch(["a", "b", "c"])
    for now, (expected, failed) in enumerate([("a", True), ("b", False), ("c", False), ("a", False), ("b", False)]):
        worker_id, _ = schedule.next(now * INTERVAL)
        assert worker_id == expected
        schedule.came_back(expected, failed=failed)
    assert schedule.next(5 * INTERVAL)[0] == "c"
    assert len(schedule) == 3 and all(each in schedule for each in "abc")
    schedule.came_back("c", failed=True)
    schedule.unwatch(["c"])
    assert "c" not in schedule and len(schedule) == 2
