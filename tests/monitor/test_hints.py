"""What a stream's hints make the engine ask, and how little it may be, whatever the stream says."""

from collections.abc import Iterable

from pyhall_tui.monitor.hints import MOST_WORKERS, Hints


class Fleet(dict[str, None]):
    def ids(self) -> Iterable[str]:
        return list(self)


def hints(count: int = 3, rate: float = 10.0) -> Hints:
    return Hints(lambda: rate, Fleet.fromkeys(f"wkr_{number}" for number in range(count)))


def asked_within(found: Hints, seconds: float) -> list[str]:
    """Return the workers that are due within that many seconds, looked at each 10 ms."""
    return [each for step in range(int(seconds * 100)) for each in found.workers_due(step / 100)]


def test_without_hints_nothing_is_due() -> None:
    found = hints()
    assert found.list_due() == found.wait(0.0) == float("inf")
    assert found.workers_due(0.0) == []
    assert not found.share(0.0)


def test_a_first_hint_is_followed_at_once() -> None:
    found = hints()
    found.at_list()
    assert found.list_due() <= 0.0
    found = hints()
    found.at_worker("wkr_1")
    assert found.wait(0.0) == 0.0
    assert found.workers_due(0.0) == ["wkr_1"]


def test_a_hint_during_a_request_asks_again_after_it() -> None:
    found = hints()
    found.at_list()
    found.list_sent(0.0)
    assert found.list_due() == float("inf")
    found.at_list()
    found.list_came(0.01, 0.01, 5.0, unchanged=False)
    assert 0.01 < found.list_due() <= 0.5


def test_a_worker_that_is_not_watched_does_not_count() -> None:
    found = hints()
    for number in range(100_000):
        found.at_worker(f"lie_{number}")
    found.at_worker("wkr_2")
    assert found.workers_due(0.0) == ["wkr_2"]


def test_hints_take_a_quarter_of_the_rate_at_most() -> None:
    found = hints(5_000)
    for step in range(500):
        for number in range(10):
            found.at_worker(f"wkr_{step * 10 + number}")
    assert len(asked_within(found, 10.0)) <= 0.25 * 10 * 10 + 2
    assert found.share(10.0) == 0.25


def test_thousands_of_hints_are_bounded() -> None:
    found = hints(50_000, rate=1e9)
    found.at_all()
    for number in range(50_000):
        found.at_worker(f"wkr_{number}")
    assert len(found.workers_due(0.0)) == MOST_WORKERS


def test_a_full_look_again_waits_a_while() -> None:
    found = hints(rate=1e9)
    found.at_all()
    assert len(found.workers_due(0.0)) == 3
    found.at_all()
    assert found.workers_due(1.0) == []
    assert found.wait(1.0) == 9.0
    assert len(found.workers_due(10.0)) == 3


def test_hints_that_come_to_nothing_are_followed_more_slowly_up_to_the_usual_interval() -> None:
    found, now, pauses = hints(rate=1e9), 0.0, []
    for _ in range(8):
        found.at_list()
        due = max(now, found.list_due())
        pauses.append(due - now)
        now = due
        found.list_sent(now)
        found.list_came(now, 0.0, 5.0, unchanged=True)
    assert pauses[0] == 0.0
    assert pauses[1:] == sorted(pauses[1:])
    assert pauses[-1] == 5.0
    found.at_list()
    found.list_sent(now)
    found.list_came(now, 0.0, 5.0, unchanged=False)
    found.at_list()
    assert found.list_due() - now < 0.5


def test_a_slow_list_is_not_asked_for_all_the_time() -> None:
    found = hints(rate=1e9)
    found.at_list()
    found.list_sent(0.0)
    found.list_came(1.0, 1.0, 5.0, unchanged=False)
    found.at_list()
    assert found.list_due() == 5.0


def test_the_usual_requests_leave_the_pace_of_hints_as_it_is() -> None:
    found = hints()
    for now in range(100):
        found.list_sent(float(now))
        found.list_came(float(now), 0.0, 5.0, unchanged=True)
    found.at_list()
    assert found.list_due() <= 100.0


def test_what_came_to_nothing_long_ago_is_forgotten() -> None:
    found = hints(rate=1e9)
    for now in range(10):
        found.at_list()
        found.list_sent(float(now))
        found.list_came(float(now), 0.0, 5.0, unchanged=True)
    found.at_list()
    found.list_sent(100.0)
    found.list_came(100.0, 0.0, 5.0, unchanged=True)
    found.at_list()
    assert found.list_due() <= 100.5
