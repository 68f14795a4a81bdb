"""Pictures made of characters."""

from hypothesis import given
from hypothesis import strategies as st

from pyhall_tui.fleet.entry import State
from pyhall_tui.monitor.stats import Point
from pyhall_tui.render.strip import (
    BLOCKS,
    fleet_bar,
    fleet_line,
    request_gauges,
    shares,
    sparkline,
)

COUNTS = st.dictionaries(st.sampled_from(State), st.integers(0, 10_000))


def test_nothing_is_the_lowest_level_and_the_least_bit_is_above_it() -> None:
    assert sparkline([0, 0.001, 10]) == "▁▂█"
    assert sparkline([0, 0]) == "▁▁"
    assert sparkline([None, 1]) == " █"
    assert sparkline([]) == ""


@given(COUNTS, st.integers(0, 300))
def test_the_bar_is_as_wide_as_asked_and_shows_every_state_that_there_is_room_for(
    counts: dict[State, int], width: int
) -> None:
    cells = shares(counts, width)
    present = [state for state in sorted(counts) if counts[state]]
    assert list(cells) == present[:width]
    assert sum(cells.values()) == (width if present else 0)
    assert all(count > 0 for count in cells.values())


def test_one_ban_among_ten_thousand_is_seen() -> None:
    bar = "".join(cell.text for cell in fleet_bar({State.BANNED: 1, State.CLEAN: 9_999}, 20))
    assert bar == "█" + "░" * 19


def test_every_state_has_a_block_of_its_own_and_the_legend_says_which() -> None:
    """F26."""
    assert len(set(BLOCKS.values())) == len(State)
    line = "".join(cell.text for cell in fleet_line({State.BANNED: 2, State.CLEAN: 41}, 60))
    assert len(line) == 60
    assert line.endswith("█ ✖ 2 banned  ░ ● 41 clean")


def test_a_narrow_line_is_only_the_bar() -> None:
    assert sum(len(cell.text) for cell in fleet_line({State.BANNED: 2, State.CLEAN: 41}, 30)) == 30


def test_spans_without_a_request_are_gaps_in_the_latencies_and_no_zeros() -> None:
    points = [Point(2.0, 0.01, 0.04, 0), Point(0.0, 0.0, 0.0, 0), Point(1.0, 0.02, 0.08, 3)]
    rate, p50, p95, errors = request_gauges(points, 9.8, 200)
    assert (rate.line, rate.value.text) == ("█▁▅", "9.8")
    assert (p50.line, p50.value.text) == ("▂ ▃", "20 ms")
    assert (p95.line, p95.value.text) == ("▅ █", "80 ms")
    assert (errors.line, errors.value.text) == ("▁▁█", "3")


def test_before_the_first_request_there_is_no_latency() -> None:
    assert request_gauges([Point(0, 0, 0, 0)] * 60, 0.0, 120)[1].value.text == "–"
