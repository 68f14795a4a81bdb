"""The rate limit, on a clock that the test moves."""

from pyhall_tui.hall.limiter import Limiter
from tests.clock import ManualClock


def test_a_burst_passes_then_the_rate_counts() -> None:
    clock = ManualClock()
    limiter = Limiter(clock, rate=2, burst=4)
    assert [limiter.wait("k") for _ in range(4)] == [0.0] * 4
    assert limiter.wait("k") == 0.5
    clock.skip(0.5)
    assert limiter.wait("k") == 0.0
    assert limiter.wait("k") > 0


def test_no_more_than_a_burst_is_saved_up() -> None:
    clock = ManualClock()
    limiter = Limiter(clock, rate=10, burst=2)
    limiter.wait("k")
    clock.skip(3600)
    assert [limiter.wait("k") == 0 for _ in range(3)] == [True, True, False]


def test_each_key_has_its_own_and_a_rate_of_0_is_none() -> None:
    limiter = Limiter(ManualClock(), rate=1, burst=1)
    assert limiter.wait("a") == limiter.wait("b") == 0.0
    assert limiter.wait("a") > 0
    limiter.rate = 0
    assert limiter.wait("a") == 0.0
