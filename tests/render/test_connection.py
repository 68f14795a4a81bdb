"""The band across the workers screen: what is wrong with the rate, and what to do."""

import pytest

from pyhall_tui.clock import Moment
from pyhall_tui.monitor.connection_state import ConnectionState, Reachability
from pyhall_tui.render.connection import band

NOW = Moment(mono=0.0, wall=0.0)


@pytest.mark.parametrize(
    ("rate", "round_time", "said"),
    [
        (
            10,
            90,
            "At 10 requests/s a round takes 90 s, longer than the interval of 60 s: raise the interval or the rate",
        ),
        (5, 90, "At 5 requests/s (slowed by 429s from the registry) a round takes 90 s"),
        (5, 4e10, "the ban list leaves no requests for the workers: raise its interval or the rate in the profile."),
    ],
)
def test_a_round_that_is_too_slow_is_reported_with_its_cause(rate: float, round_time: float, said: str) -> None:
    """F42: a registry that answers 429 for ever; a round of half a million days is no figure for anybody."""
    link = ConnectionState(reach=Reachability.LIVE, rate=rate, full_rate=10, holdable_interval=round_time)
    told = band(link, NOW, 60)
    assert told is not None and said in told.text


def test_a_long_word_of_the_registry_leaves_room_for_the_advice_and_the_next_try() -> None:
    """F42: the band has three lines; they say what to do whatever a broken registry answers."""
    link = ConnectionState(
        reach=Reachability.LOST, sentence="boom " + "x" * 3000, advice="Try again later.", next_try=9.0
    )
    told = band(link, NOW, 60)
    assert told is not None and len(told.text) < 3 * 78
    assert told.text.endswith("… Try again later. Next try in 9s.")
