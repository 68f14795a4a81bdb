"""A worker that changes too often flaps, until it is calm for the whole window."""

from pyhall_tui.alarms.flapping import Flapping, FlappingLimit, is_change
from pyhall_tui.fleet.events import FIRST_SIGHT, Kind
from tests.journal.makers import event

LIMIT = FlappingLimit(changes=3, minutes=10)


def test_more_changes_than_allowed_is_flapping_and_said_once() -> None:
    flapping = Flapping(LIMIT)
    assert [flapping.add("w1", float(moment)) for moment in range(6)] == [False, False, False, True, False, False]


def test_changes_that_are_far_enough_apart_are_none() -> None:
    flapping = Flapping(LIMIT)
    assert not any(flapping.add("w1", 201.0 * moment) for moment in range(20))


def test_each_worker_is_counted_for_itself() -> None:
    flapping = Flapping(LIMIT)
    assert not any(flapping.add(f"w{moment}", float(moment)) for moment in range(20))


def test_it_is_calm_after_a_whole_window_without_a_change_and_may_flap_again() -> None:
    flapping = Flapping(LIMIT)
    for moment in range(5):
        flapping.add("w1", float(moment))
    assert flapping.calmed(604.0) == []
    assert flapping.calmed(604.1) == ["w1"]
    assert flapping.calmed(605.0) == []
    assert [flapping.add("w1", 700.0 + moment) for moment in range(4)] == [False, False, False, True]


def test_what_an_earlier_run_saw_flap_has_to_be_calm_here_too() -> None:
    flapping = Flapping(LIMIT)
    flapping.follow(["w1"], 100.0)
    assert flapping.calmed(700.0) == []
    assert flapping.calmed(701.0) == ["w1"]


def test_only_a_workers_own_changes_count() -> None:
    assert is_change(event(Kind.BANNED))
    assert not is_change(event(Kind.BANNED, before=FIRST_SIGHT))
    assert not is_change(event(Kind.REGISTRY_LOST, None))
    assert not is_change(event(Kind.ATTEST_SENT))
