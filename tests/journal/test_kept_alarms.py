"""Alarms in the journal: one row per thing, whoever records it; no acknowledgement is lost or misplaced."""

import signal
import sqlite3
import sys
import time
from pathlib import Path

import pytest

from pyhall_tui.alarms.alarm import Alarm, What
from pyhall_tui.alarms.silences import Silence
from pyhall_tui.fleet.events import BANNED_OTHERWISE, Kind, Severity
from pyhall_tui.journal import schema
from pyhall_tui.journal.journal import Journal
from tests.clock import ManualClock
from tests.journal.makers import NOW, event
from tests.journal.test_kill import TELLER, kill_when_due, start
from tests.open_alarms import open_alarms

LIFT = {"before": "BANNED", "after": "clean", "severity": Severity.NOTICE}


def opened(path: Path, wall: float = NOW) -> Journal:
    return Journal.open(path / "journal.db", ManualClock(wall=wall))


def alarms(journal: Journal) -> list[Alarm]:
    assert journal.flush(30)
    found = journal.alarms.all("prod")
    assert found is not None
    return found


def told(journal: Journal, after: int = 0) -> list[str]:
    assert journal.flush(30)
    return [change.what.value for change in journal.alarms.changes("prod", after)]


def test_the_same_ban_by_two_programs_and_two_sources_is_one_row(tmp_path: Path) -> None:
    """F56: also where the second program records it after it was acknowledged, its event then is no news either."""
    with opened(tmp_path) as one, opened(tmp_path, NOW + 3) as two:
        mine = one.record_event("prod", event(at=NOW)).event
        assert one.flush(30)
        one.acknowledge_all("prod", mine.id, by="ada", note="on it")
        assert one.flush(30)
        two.record_event("prod", event(at=NOW + 3, source="ban list"))
        (alarm,) = alarms(two)
        assert (alarm.times, alarm.acknowledged_by, alarm.note) == (1, "ada", "on it")
        assert open_alarms(two, "prod") == 0
        assert [each.acknowledged for each in two.events("prod")] == [True, True]
        assert told(two) == ["fired", "acknowledged"]


def test_a_ban_set_again_for_another_reason_is_open_again_once(tmp_path: Path) -> None:
    """F57."""
    with opened(tmp_path) as one, opened(tmp_path) as two:
        first = one.record_event("prod", event(detail="exfiltrates")).event
        one.acknowledge([first.id], by="ada")
        assert one.flush(30)
        for each, later in ((one, 30), (two, 33)):
            again = event(before=BANNED_OTHERWISE, detail="mines coins", at=NOW + later)
            each.record_event("prod", again)
            assert each.flush(30)
        (alarm,) = alarms(one)
        assert (alarm.times, alarm.detail, alarm.is_acknowledged) == (2, "mines coins", False)
        assert open_alarms(one, "prod") == 1


def test_what_ends_says_when_and_by_whom_and_comes_again_as_the_same_alarm(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.record_event("prod", event())
        journal.record_event("prod", event(Kind.UNBANNED, at=NOW + 60, **LIFT))
        (over,) = alarms(journal)
        assert (over.resolved_at, over.resolved_by) == (NOW + 60, "verify")
        journal.record_event("prod", event(at=NOW + 90))
        (again,) = alarms(journal)
        assert (again.id, again.times, again.is_firing) == (over.id, 2, True)
        assert told(journal) == ["fired", "resolved", "fired"]


def test_an_event_and_its_end_and_its_beginning_are_each_of_their_profile(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.record_event("prod", event())
        journal.record_event("test", event(Kind.UNBANNED, **LIFT))
        journal.record_event("test", event(Kind.DRIFTED))
        assert [(each.condition.value, each.is_firing) for each in alarms(journal)] == [("banned", True)]
        assert open_alarms(journal, "test") == 1


def test_acknowledging_an_older_firing_leaves_the_new_one_open(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        first = journal.record_event("prod", event()).event
        (shown,) = alarms(journal)
        journal.record_event("prod", event(Kind.UNBANNED, at=NOW + 600, **LIFT))
        journal.record_event("prod", event(at=NOW + 900))
        journal.acknowledge([first.id])
        journal.alarms.acknowledge("prod", [(shown.id, shown.times)], journal.acknowledge([]))
        assert not alarms(journal)[0].is_acknowledged


def test_undoing_takes_back_that_acknowledgement_and_no_other(tmp_path: Path) -> None:
    with opened(tmp_path) as one, opened(tmp_path) as two:
        for worker in ("w1", "w2", "w3", "w4"):
            one.record_event("prod", event(worker_id=worker))
        assert one.flush(30)
        before, *_ = one.events("prod")
        one.acknowledge([before.id], by="eve")  # w4, before
        act = one.acknowledge_all("prod", before.id, by="ada")
        assert one.flush(30)
        two.record_event("prod", event(Kind.UNBANNED, "w2", at=NOW + 600, **LIFT))
        two.record_event("prod", event(worker_id="w2", at=NOW + 900, detail="again"))
        two.acknowledge_all("prod", 1 << 60, by="bob")
        assert two.flush(30)
        one.unacknowledge("prod", act)
        seen = {each.subject: each.acknowledged_by for each in alarms(one)}
        assert seen == {"w1": "", "w2": "bob", "w3": "", "w4": "eve"}
        assert open_alarms(one, "prod") == 2
        still = {each.worker_id for each in one.events("prod", unacknowledged=True)}
        assert still == {"w1", "w2", "w3"}  # the first ban of w2, which is over
        assert told(one)[-2:] == ["unacknowledged", "unacknowledged"]


def test_changes_are_numbered_over_all_programs_and_named_alike(tmp_path: Path) -> None:
    with opened(tmp_path) as one, opened(tmp_path) as two:
        one.record_event("prod", event(worker_id="w1"))
        assert one.flush(30)
        two.record_event("prod", event(worker_id="w2"))
        assert two.flush(30)
        seen = one.alarms.changes("prod", 0)
        assert [change.seq for change in seen] == [1, 2]
        assert two.alarms.changes("prod", 1) == seen[1:]
        assert two.alarms.begin("prod").seq == 2
        assert seen[0].alarm == alarms(one)[0] or seen[0].alarm == alarms(one)[1]
    with opened(tmp_path) as again:
        assert [change.id for change in again.alarms.changes("prod", 0)] == [change.id for change in seen]


def test_a_silence_is_ended_once_though_two_programs_see_its_time_come(tmp_path: Path) -> None:
    with opened(tmp_path) as one, opened(tmp_path) as two:
        silence = Silence(id="s1", worker="wkr_*", began_at=NOW, until=NOW + 60, reason="upgrade", by="ada")
        one.alarms.silence("prod", silence)
        assert one.flush(30)
        assert two.alarms.silences("prod") == [silence]
        for each in (one, two):
            end = event(Kind.SILENCE_ENDED, None, at=NOW + 60, id=each.alarms.new_id(), severity=Severity.NOTICE)
            each.alarms.end_silence("prod", silence, "time", end)
            assert each.flush(30)
        assert two.alarms.silences("prod") == []
        (over,) = two.alarms.silences("prod", ended=5) or ()
        assert (over.ended_at, over.ended_by) == (NOW + 60, "time")
        assert told(one) == ["silenced", "unsilenced"]
        assert len(one.events("prod", kind=Kind.SILENCE_ENDED)) == 1


def test_no_secret_and_no_character_that_cannot_be_kept_gets_into_an_alarm(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        shown = journal.record_event("prod", event(detail="phk_live_" + "a" * 40 + " \ud800")).event
        journal.acknowledge([shown.id], by="a\ud800", note="phk_live_" + "b" * 40)
        (alarm,) = alarms(journal)
        assert alarm.is_acknowledged
        assert "aaaaa" not in alarm.detail and "bbbbb" not in alarm.note
        assert journal.notes == ()


def test_clocks_set_back_lose_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        shown = journal.record_event("prod", event()).event
        journal.acknowledge([shown.id], by="ada")
        assert alarms(journal)[0].is_acknowledged
    year = 365 * 86_400.0
    with opened(tmp_path, NOW - year) as journal:
        assert alarms(journal)[0].is_acknowledged
        journal.record_event("prod", event(Kind.UNBANNED, at=NOW - year, **LIFT))
        assert not alarms(journal)[0].is_firing
        journal.record_event("prod", event(at=NOW - year + 5))
        assert open_alarms(journal, "prod") == 1


@pytest.mark.thorough
def test_ten_thousand_alarms_are_kept_acknowledged_and_read(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        began = time.process_time()
        for number in range(10_000):
            last = journal.record_event("prod", event(worker_id=f"w{number}")).event
        journal.acknowledge_all("prod", last.id, by="ada")
        assert len(alarms(journal)) == 10_000
        assert open_alarms(journal, "prod") == 0
        assert time.process_time() - began < 30
    with opened(tmp_path) as journal:
        began = time.process_time()
        assert len(journal.alarms.begin("prod").firing) == 10_000
        assert time.process_time() - began < 2


OLD = (
    "INSERT INTO events (id, profile, kind, severity, at, worker_id, was, became, source, correlation_id, earlier_ids,"
    " detail, times, acknowledged) VALUES (?,'prod',?,?,1774000000.0,?,?,?,'verify','','',?,1,?)"
)


def test_what_an_earlier_version_left_open_fires(tmp_path: Path) -> None:
    """What had ended by then does not, and what was acknowledged stays so; an earlier program refuses the file then."""
    path = tmp_path / "journal.db"
    with sqlite3.connect(path) as connection:
        for step in schema.MIGRATIONS[:2]:
            connection.executescript(step)
        connection.execute("PRAGMA user_version = 2")
        rows = [
            ("banned", 3, "open", "clean", "BANNED", "exfiltrates", 0),
            ("banned", 3, "seen", "clean", "BANNED", "", 1),
            ("banned", 3, "lifted", "clean", "BANNED", "", 0),
            ("unbanned", 1, "lifted", "BANNED", "clean", "", 0),
            ("status changed", 3, "revoked", "active", "revoked", "", 0),
            ("status changed", 3, "restored", "active", "revoked", "", 0),
            ("status changed", 2, "restored", "revoked", "active", "", 0),
            ("drifted", 2, "drifts", "match", "drifted", "", 0),
            ("registry lost", 2, None, "live", "lost", "", 0),
            ("attested", 0, "fine", "unattested", "attested", "", 0),
            ("banned", 3, "unbanned, revoked", "revoked", "BANNED", "", 0),
            ("unbanned", 3, "unbanned, revoked", "BANNED", "revoked", "", 0),
            ("vanished", 3, "back, revoked", "clean", "unknown", "", 0),
            ("appeared", 3, "back, revoked", "unknown", "revoked", "", 0),
            ("status changed", 3, "back, active", "active", "revoked", "", 0),
            ("vanished", 3, "back, active", "revoked", "unknown", "", 0),
            ("appeared", 0, "back, active", "unknown", "active", "", 0),
        ]
        connection.executemany(OLD, [(number, *row) for number, row in enumerate(rows, 1)])
    connection.close()
    with Journal.open(path, ManualClock()) as journal:
        assert journal.notes == ()
        found = {each.subject: each for each in alarms(journal)}
        kinds = {subject: each.condition.value for subject, each in found.items()}
        assert kinds == {
            "open": "banned",
            "seen": "banned",
            "revoked": "revoked",
            "unbanned, revoked": "revoked",
            "back, revoked": "revoked",
            "drifts": "drifted",
            "": "registry lost",
        }
        assert all(each.is_firing and each.severity is Severity.ALARM for each in found.values())
        assert [subject for subject, each in found.items() if each.is_acknowledged] == ["seen"]
        assert found["open"].detail == "exfiltrates"
        journal.record_event("prod", event(Kind.BANNED, "open"))
        assert {each.subject: each for each in alarms(journal)}["open"].times == 1


FIRING = (
    TELLER
    + """
for n in range(100_000):
    kept = journal.record_event("prod", event(worker_id=f"{sys.argv[2]}-{n}", at=time.time())).event
    journal.acknowledge([kept.id], by=sys.argv[2])
    tell(kept.worker_id)
"""
)


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
def test_killed_at_any_moment_no_event_is_without_its_alarm_and_none_acknowledged_is_open(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    child = start(FIRING, path, "p1")
    killed, told = kill_when_due(child, 0.3)
    assert child.returncode == -signal.SIGKILL
    with Journal.open(path, ManualClock()) as journal:
        found = journal.alarms.all("prod") or []
        assert {each.worker_id for each in journal.events("prod", limit=1_000_000)} == {each.subject for each in found}
        old = {each.worker for each in told if killed - each.at > each.allowed(told[-1])}
        seen = {each.subject for each in found if each.acknowledged_by == "p1"}
        assert old
        assert old <= seen


BOTH = """
import sys, time
from pathlib import Path
from pyhall_tui.clock import SystemClock
from pyhall_tui.fleet.events import Kind, Severity
from pyhall_tui.journal.journal import Journal
from tests.journal.makers import event
from tests.open_alarms import open_alarms

journal = Journal.open(Path(sys.argv[1]), SystemClock())
for n in range(200):
    journal.record_event("prod", event(worker_id=f"w{n}", at=time.time()))
    if n % 2:
        lift = event(Kind.UNBANNED, f"w{n}", at=time.time(), before="BANNED", after="clean", severity=Severity.NOTICE)
        journal.record_event("prod", lift)
    if n % 50 == 0:
        journal.flush(10)
assert journal.close(30)
"""


def test_two_processes_at_once_have_one_row_an_alarm(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    children = [start(BOTH, path) for _ in range(2)]
    for child in children:
        child.communicate(timeout=60)
    assert [child.returncode for child in children] == [0, 0]
    with Journal.open(path, ManualClock()) as journal:
        found = alarms(journal)
        assert len(found) == len({each.id for each in found}) == 200
        assert {each.subject for each in found if each.is_firing} == {f"w{n}" for n in range(0, 200, 2)}
        changes = journal.alarms.changes("prod", 0)
        assert sum(change.what is What.FIRED for change in changes if change.alarm and change.alarm.times == 1) == 200
