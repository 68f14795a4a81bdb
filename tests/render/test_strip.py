"""Pictures in letters."""

from hypothesis import given
from hypothesis import strategies as st

from pyhall_tui.fleet.entry import Ban, Entry, State
from pyhall_tui.fleet.events import Event, Kind
from pyhall_tui.monitor.stats import Point
from pyhall_tui.registry.models import Verdict
from pyhall_tui.render.strip import (
    BLOCKS,
    Stretch,
    fleet_bar,
    fleet_line,
    history,
    request_gauges,
    shares,
    sparkline,
    timeline,
    timeline_lines,
)
from tests.journal.makers import NOW, event

CLEAN = Verdict(worker_id="org.acme.w1", known=True, status="active", attested=True)
COUNTS = st.dictionaries(st.sampled_from(State), st.integers(0, 10_000))


def entry(since: float = NOW - 600, *, ban: bool = False) -> Entry:
    banned = Ban("verify", 0.0) if ban else None
    return Entry("org.acme.w1", CLEAN, asked_wall=NOW, known_since_wall=since, ban=banned)


def ban(ago: float, **fields: object) -> Event:
    return event(Kind.BANNED, at=NOW - ago, **{"before": "clean", "after": "BANNED", **fields})


def unban(ago: float) -> Event:
    return event(Kind.UNBANNED, at=NOW - ago, before="BANNED", after="clean")


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


def test_a_narrow_line_is_the_bar_alone() -> None:
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


def test_a_workers_past_is_reckoned_back_through_its_events() -> None:
    past = history(entry(since=NOW - 3_000), [unban(60), ban(600)], NOW)
    assert past == [
        Stretch(State.CLEAN, NOW - 60, NOW),
        Stretch(State.BANNED, NOW - 600, NOW - 60),
        Stretch(State.CLEAN, NOW - 3_000, NOW - 600),
    ]


def test_before_the_first_verdict_nothing_is_known_and_so_nothing_is_clean() -> None:
    past = history(entry(since=NOW - 600, ban=True), [ban(600, before="not known yet")], NOW)
    assert past == [Stretch(State.BANNED, NOW - 600, NOW)]
    _, cells = timeline([Stretch(State.CLEAN, NOW - 1_200, NOW)], NOW, 12)
    assert cells == [None] * 8 + [State.CLEAN] * 4


def test_each_kind_of_change_is_undone() -> None:
    events = [
        event(Kind.ATTESTED, at=NOW - 10, before="unattested", after="attested"),
        event(Kind.STATUS_CHANGED, at=NOW - 20, before="revoked", after="active"),
        event(Kind.APPEARED, at=NOW - 30, before="unknown", after="revoked"),
    ]
    states = [stretch.state for stretch in history(entry(since=NOW - 40), events, NOW)]
    assert states == [State.CLEAN, State.UNATTESTED, State.REVOKED, State.UNKNOWN]


def test_a_ban_of_a_second_is_not_lost_in_a_week() -> None:
    past = history(entry(since=NOW - 6 * 86_400), [unban(3_599), ban(3_600)], NOW)
    seconds, cells = timeline(past, NOW, 40)
    assert seconds == 7 * 86_400
    assert cells.count(State.BANNED) == 1


def test_the_time_line_is_as_wide_as_asked_and_has_a_scale_and_a_legend() -> None:
    line, scale, keys = timeline_lines(entry(since=NOW - 2_000), [unban(60), ban(600)], NOW, 50)
    assert sum(len(cell.text) for cell in line) == sum(len(cell.text) for cell in scale) == 50
    assert scale[0].text.startswith("1h ago") and scale[0].text.endswith("now")
    assert {cell.text for cell in keys if cell.text.strip()} == {"█ ✖ banned", "░ ● clean", "· not known"}


@given(st.lists(st.sampled_from(Kind), max_size=20), st.integers(0, 60))
def test_any_events_make_a_line_of_that_width(kinds: list[Kind], width: int) -> None:
    events = [event(kind, at=NOW - 10 * place, before="unknown") for place, kind in enumerate(kinds)]
    line, *_ = timeline_lines(entry(), events, NOW, width)
    assert sum(len(cell.text) for cell in line) == width
