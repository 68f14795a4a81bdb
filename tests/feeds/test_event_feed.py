"""The rows of the activity list, without a screen: no gap, no duplicate row, nothing over the limit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyhall_tui.feeds import event_feed as feed_module
from pyhall_tui.feeds.event_feed import EventFeed, Filter
from pyhall_tui.fleet.events import Event, Kind, Severity
from tests.journal.makers import event

JOURNAL = [event(worker_id=f"w{number % 7}", severity=Severity(number % 4), id=number) for number in range(1, 101)]
FILTERS = st.builds(
    Filter,
    text=st.sampled_from(["", "w3", "BANNED"]),
    severity=st.sampled_from([None, *Severity]),
    worker=st.sampled_from([None, "w1"]),
)


def page(feed: EventFeed, limit: int = 20) -> None:
    """Add the next page as the journal would return it."""
    before = feed.before_id or 1_000
    found = [one for one in reversed(JOURNAL) if one.id < before and feed.asked.matches(one)][:limit]
    feed.add_page(feed.asked, feed.before_id, found, is_last=len(found) < limit)


def ids(feed: EventFeed) -> list[int]:
    return [one.id for one in feed.rows()]


@given(st.lists(st.one_of(FILTERS, st.just("page"), st.just("live")), max_size=25))
def test_whatever_one_does_the_rows_have_no_gap(steps: list[object]) -> None:
    feed, live = EventFeed(lambda _: False), []
    for step in steps:
        if isinstance(step, Filter):
            feed.narrow(step)
        elif step == "page" and feed.has_older:
            page(feed)
        elif step == "live":
            live.append(event(id=200 + len(live)))
            feed.take(live[-1:])
        matching = [one.id for one in reversed([*JOURNAL, *live]) if feed.asked.matches(one)]
        assert ids(feed) == matching[: len(ids(feed))]


def test_the_total_is_known_once_all_of_the_journal_is_here_whatever_the_filter() -> None:
    feed = EventFeed(lambda _: False)
    feed.narrow(Filter(text="w3"))
    while feed.has_older:
        page(feed)
    assert feed.total is None
    feed.narrow(Filter())
    while feed.has_older:
        assert feed.total is None
        page(feed)
    assert feed.total == 100
    feed.narrow(Filter(text="w3"))
    assert (feed.total, len(ids(feed))) == (100, 14)


def test_a_page_requested_with_another_filter_is_dropped() -> None:
    feed = EventFeed(lambda _: False)
    feed.narrow(Filter(text="w3"))
    feed.add_page(Filter(), None, JOURNAL[-20:][::-1], is_last=False)
    assert not ids(feed) and not feed.is_loaded


def test_a_page_that_is_not_the_next_one_any_more_is_dropped() -> None:
    """You type a character into the filter and remove it while an older page is read: it leaves no gap."""
    feed = EventFeed(lambda _: False)
    page(feed)
    feed.narrow(Filter(text="w3"))
    page(feed)
    before, late = feed.before_id, [one for one in JOURNAL if one.id < 10 and Filter(text="w3").matches(one)][::-1]
    feed.narrow(Filter())
    feed.narrow(Filter(text="w3"))
    feed.add_page(Filter(text="w3"), before, late, is_last=True)
    assert ids(feed) == [one.id for one in reversed(JOURNAL[-20:]) if Filter(text="w3").matches(one)]


def test_acknowledged_events_stay_so_even_if_a_page_was_read_before() -> None:
    feed = EventFeed(lambda _: False)
    page(feed)
    feed.acknowledge_all(100)
    page(feed)
    assert all(one.acknowledged for one in feed.rows()) and len(feed.rows()) == 40


def test_a_folded_row_takes_the_place_of_the_earlier_one_and_not_before_the_pause_ends() -> None:
    replaced: set[int] = set()
    feed = EventFeed(replaced.__contains__)
    page(feed)
    feed.pause(paused=True)
    replaced.add(100)
    feed.take([event(id=201, count=2)])
    assert ids(feed)[0] == 100 and feed.held == 1
    feed.pause(paused=False)
    assert ids(feed)[:2] == [201, 99]


def test_the_oldest_are_let_go_and_can_be_loaded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "MOST", 50)
    feed = EventFeed(lambda _: False)
    page(feed)
    feed.take(event(id=number) for number in range(200, 240))
    assert len(ids(feed)) == 25
    assert feed.before_id == min(ids(feed)) and feed.has_older


def test_a_week_of_a_lost_registry_stays_within_the_bound() -> None:
    """F42."""
    feed = EventFeed(lambda _: False)
    feed.add_page(Filter(), None, [], is_last=True)
    for start in range(1, 121_000, 1_000):
        feed.take(Event(kind=Kind.REGISTRY_LOST, severity=Severity.WARNING, at=0, id=start + n) for n in range(1_000))
    assert len(ids(feed)) <= feed_module.MOST
    assert ids(feed)[0] == 121_000
