"""One worker over time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyhall_tui.fleet.entry import Ban, Entry, State
from pyhall_tui.fleet.events import Event, Kind
from pyhall_tui.registry.models import Verdict
from pyhall_tui.render.history import Stretch, history, timeline, timeline_lines
from tests.journal.makers import NOW, event

CLEAN = Verdict(worker_id="org.acme.w1", known=True, status="active", attested=True)


def entry(since: float = NOW - 600, *, ban: bool = False) -> Entry:
    banned = Ban("verify", 0.0) if ban else None
    return Entry("org.acme.w1", CLEAN, asked_wall=NOW, known_since_wall=since, ban=banned)


def ban(ago: float, **fields: object) -> Event:
    return event(Kind.BANNED, at=NOW - ago, **{"before": "clean", "after": "BANNED", **fields})


def unban(ago: float) -> Event:
    return event(Kind.UNBANNED, at=NOW - ago, before="BANNED", after="clean")


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


@pytest.mark.parametrize(
    ("before", "state"),
    [("active", State.CLEAN), ("unattested", State.UNATTESTED), ("revoked", State.REVOKED), ("known", State.CLEAN)],
)
def test_what_a_worker_was_before_it_vanished_is_read_back(before: str, state: State) -> None:
    """F20."""
    gone = Entry("org.acme.w1", Verdict(worker_id="org.acme.w1", known=False), known_since_wall=NOW - 600)
    past = history(gone, [event(Kind.VANISHED, at=NOW - 60, before=before, after="unknown")], NOW)
    assert [stretch.state for stretch in past] == [State.UNKNOWN, state]
