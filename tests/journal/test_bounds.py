"""The file stays within its limits, by age and by count."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from pyhall_tui.fleet.events import Kind, Severity
from pyhall_tui.journal import writer
from pyhall_tui.journal.journal import Journal
from pyhall_tui.journal.retention import DAY, DAYS_OF_USE, Retention
from pyhall_tui.journal.rows import EnrollmentState
from tests.clock import ManualClock
from tests.journal.makers import NOW, dispatch, enrollment, event, rows_in, until, verdict


def bytes_in(folder: Path) -> int:
    return sum(one.stat().st_size for one in folder.iterdir())


@pytest.fixture
def tidy_each_time(monkeypatch):
    """Apply retention after each transaction rather than every ten minutes."""
    monkeypatch.setattr(writer, "_TIDY_ROWS", 1)


def open_at(tmp_path: Path, **bounds: float) -> Journal:
    return Journal.open(tmp_path / "journal.db", ManualClock(), retention=Retention(**bounds))


@pytest.mark.thorough
def test_a_long_outage_keeps_within_the_bound(tmp_path):
    """F42: two days of a failure every five seconds; the files are looked at, not the setting."""
    failures = 2 * 24 * 3600 // 5
    largest = 0
    with open_at(tmp_path, events=1_000, dispatches=200, raw_exchanges=50) as journal:
        for n in range(failures):
            journal.record_event(
                "prod", event(Kind.HASH_CHANGED, f"org.acme.worker-{n}", at=NOW + 5 * n, detail="x" * 200)
            )
            if n % 10 == 0:
                journal.record_dispatch("prod", dispatch(response_raw=b"y" * 8_000, error="The registry is down."))
            if n % 5_000 == 0:
                assert journal.flush(20)
                largest = max(largest, bytes_in(tmp_path))
        assert journal.flush(20)
        largest = max(largest, bytes_in(tmp_path))
    unbounded = failures * 400 + failures // 10 * 8_000
    assert largest < unbounded / 2


def test_by_count_the_oldest_go(tmp_path, tidy_each_time):
    with open_at(tmp_path, events=3, dispatches=2, verdicts=1) as journal:
        for n in range(5):
            journal.record_event("prod", event(worker_id=f"w{n}"))
            journal.record_dispatch("prod", dispatch(worker_id=f"w{n}"))
            journal.save_verdict("prod", verdict(f"w{n}", at=NOW + n))
        until(lambda: [one.worker_id for one in journal.events("prod")] == ["w4", "w3", "w2"])
        until(lambda: [one.worker_id for one in journal.dispatches("prod")] == ["w4", "w3"])
        until(lambda: [one.worker_id for one in journal.all_verdicts("prod")] == ["w4"])


def test_by_age_the_oldest_go(tmp_path, tidy_each_time):
    with open_at(tmp_path, days=30) as journal:
        used_daily(journal, ages=(31, 29, 6, 5, 4, 3, 2, 1))
        until(lambda: [one.worker_id for one in journal.events("prod")][-1:] == ["29 days"])
        until(lambda: [one.worker_id for one in journal.dispatches("prod")][-1:] == ["29 days"])
        assert journal.flush(30)
        until(lambda: len(journal.all_verdicts("prod")) == 7)


def used_daily(journal: Journal, ages: Iterable[int]) -> None:
    """Keep one row of each kind for each of these ages in days, and name it by that."""
    for days in ages:
        worker_id, at = f"{days} days", NOW - days * DAY
        journal.record_event("prod", event(worker_id=worker_id, at=at))
        journal.record_dispatch("prod", dispatch(worker_id=worker_id, at=at))
        journal.save_verdict("prod", verdict(worker_id, at=at))
        journal.record_enrollment("prod", enrollment(worker_id, EnrollmentState.ANSWERED, batch=worker_id, at=at))


@pytest.mark.parametrize("ahead", [91, 5_000])
def test_one_day_with_a_clock_that_runs_months_ahead_takes_nothing(tmp_path, tidy_each_time, ahead):
    """F23: the machine's own clock is set wrong, and set right again."""
    with open_at(tmp_path) as journal:
        used_daily(journal, ages=range(DAYS_OF_USE - 1))
        assert journal.flush(30)
    clock = ManualClock()
    clock.jump_wall(ahead * DAY)
    with Journal.open(tmp_path / "journal.db", clock, retention=Retention()) as journal:
        used_daily(journal, ages=[-ahead])
        assert journal.flush(30)
    for table in ("events", "dispatches", "verdicts", "enrollments"):
        assert rows_in(tmp_path / "journal.db", table) == DAYS_OF_USE


def test_raw_bodies_go_before_their_dispatches(tmp_path, tidy_each_time):
    with open_at(tmp_path, raw_exchanges=1) as journal:
        for n in range(3):
            journal.record_dispatch("prod", dispatch(worker_id=f"w{n}", request_raw=b"q", response_raw=b"a"))
        until(lambda: [one.response_raw for one in journal.dispatches("prod")] == [b"a", b"", b""])


def test_of_old_batches_the_requests_go_and_what_was_sent_stays(tmp_path, tidy_each_time):
    """F64: what is forgotten would be sent again."""
    states = (*EnrollmentState, EnrollmentState.ANSWERED)
    with open_at(tmp_path, enrollments=3) as journal:
        for age, batch in enumerate(("first", "second", "third")):
            for n, state in enumerate(states):
                row = enrollment(f"k{n}", state, batch=batch, at=NOW + 10 * age + n, request="{}", answer="{}")
                journal.record_enrollment("prod", row)
            assert journal.flush(30)
        until(lambda: len(journal.enrollments("prod")) == 4 + 4 + 6)
        kept = journal.earlier_sends("form")
    sent = ["k1", "k2", "k4", "k5"]
    assert [one.row_key for one in kept if one.batch == "first"] == sent
    assert [one.row_key for one in kept if one.batch == "second"] == sent
    assert {one.request for one in kept if one.batch != "third"} == {""}
    assert {one.request for one in kept if one.batch == "third"} == {"{}"}


def test_what_is_deleted_gives_its_space_back(tmp_path, tidy_each_time):
    with open_at(tmp_path) as journal:
        for n in range(2_000):
            journal.record_event("prod", event(Kind.HASH_CHANGED, f"w{n}", detail="x" * 2_000))
        assert journal.flush(20)
    before = bytes_in(tmp_path)
    with open_at(tmp_path, events=10) as journal:
        journal.record_event("prod", event(worker_id="last"))
        until(lambda: len(journal.events("prod", limit=9_999)) == 10)
    assert bytes_in(tmp_path) < before / 10


def test_of_alarms_that_are_over_the_oldest_go_and_never_one_that_fires(tmp_path, tidy_each_time):
    with open_at(tmp_path, alarms=2, alarm_changes=3) as journal:
        for n in range(6):
            journal.record_event("prod", event(worker_id=f"w{n}", at=NOW + n))
            if n > 1:
                lifted = {"before": "BANNED", "after": "clean", "severity": Severity.NOTICE, "at": NOW + 10 + n}
                journal.record_event("prod", event(Kind.UNBANNED, f"w{n}", **lifted))
        until(lambda: {one.subject for one in journal.alarms.all("prod") or ()} == {"w0", "w1", "w4", "w5"})
        until(lambda: len(journal.alarms.changes("prod", 0)) == 3)
        assert journal.alarms.changes("prod", 0)[-1].seq == 10
