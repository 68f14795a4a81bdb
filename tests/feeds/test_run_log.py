"""The log of this run: every kind has room of its own, secrets are masked, and what is dropped is counted."""

import threading

import pytest

from pyhall_tui.clock import Moment
from pyhall_tui.feeds.news import Tone
from pyhall_tui.feeds.run_log import MOST, Kind, RunLog
from pyhall_tui.feeds.run_log_feed import RunLogFeed, View
from pyhall_tui.logs.masking import forget_secret, register_secret
from pyhall_tui.registry.models import RequestRecord


def request(number: int, *, status: int | None = 200, error: str | None = None) -> RequestRecord:
    return RequestRecord(
        method="GET",
        path=f"/api/v1/verify/w{number}",
        status=status,
        error=error,
        elapsed=0.01,
        correlation_id=f"req-{number}",
        at=Moment(float(number), 1_000.0 + number),
    )


def test_requests_drop_requests_never_news() -> None:
    log = RunLog()
    log.news(1.0, "The first news.", Tone.NOTE)
    for number in range(MOST[Kind.REQUEST] + 7):
        log.request("acme", request(number))
    rows = log.since(0)
    assert rows[0].text == "The first news."
    assert len(rows) == MOST[Kind.REQUEST] + 1
    assert log.dropped == {Kind.REQUEST: 7}
    assert [row.text for row in log.since(log.newest - 1)] == [f"GET /api/v1/verify/w{MOST[Kind.REQUEST] + 6}"]


def test_what_looks_like_a_key_or_is_one_is_masked() -> None:
    log = RunLog()
    register_secret("hunter2-hunter2-hunter2")
    try:
        log.news(1.0, "The key hunter2-hunter2-hunter2 was refused.", Tone.ERROR)
        log.fault(1.0, "Authorization: Bearer abcdefghijk", Tone.ERROR)
    finally:
        forget_secret("hunter2-hunter2-hunter2")
    assert "hunter2" not in repr(log.since(0)) and "abcdefghijk" not in repr(log.since(0))


def test_it_takes_rows_from_several_threads() -> None:
    log = RunLog()

    def add() -> None:
        for _ in range(200):
            log.fault(1.0, "f", Tone.WARNING)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert log.newest == 800
    assert len({row.number for row in log.since(0)}) == MOST[Kind.FAULT]
    assert log.dropped == {Kind.FAULT: 800 - MOST[Kind.FAULT]}


def test_what_comes_while_you_read_waits() -> None:
    log = RunLog()
    feed = RunLogFeed(log)
    assert not feed.pull()
    log.request("acme", request(1))
    assert feed.pull()
    log.request("acme", request(2))
    assert (feed.keys(), feed.waiting) == (["1"], 1)
    assert feed.pull()
    assert (feed.keys(), feed.waiting) == (["2", "1"], 0)


@pytest.mark.parametrize(
    ("view", "shown"),
    [(View.ALL, "54321"), (View.REQUESTS, "321"), (View.FAULTS, "432"), (View.NEWS, "5")],
)
def test_a_view_shows_one_kind_and_faults_are_also_the_requests_that_failed(view: View, shown: str) -> None:
    log = RunLog()
    log.request("acme", request(1))
    log.request("acme", request(2, status=None, error="timed out"))
    log.request("acme", request(3, status=403, error="forbidden"))
    log.fault(1.0, "The disk is full.", Tone.WARNING)
    log.news(1.0, "Copied.", Tone.NOTE)
    feed = RunLogFeed(log)
    feed.pull()
    feed.view = view
    assert "".join(feed.keys()) == shown


@pytest.mark.parametrize(
    ("text", "shown"), [("VERIFY/W2", "2"), ("timed", "2"), ("req-1", "1"), ("acme", "21"), ("nothing", "")]
)
def test_the_filter_searches_all_fields(text: str, shown: str) -> None:
    log = RunLog()
    log.request("acme", request(1))
    log.request("acme", request(2, status=None, error="timed out"))
    log.news(1.0, "Copied.", Tone.NOTE)
    feed = RunLogFeed(log)
    feed.pull()
    feed.text = text
    assert "".join(feed.keys()) == shown
