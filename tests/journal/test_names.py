"""A profile's new name: all that is recorded moves to it, in one transaction, whatever programs have it open."""

import sqlite3
from pathlib import Path

from pyhall_tui.alarms.alarm import Change, Condition, Standing, alarm_id
from pyhall_tui.fleet.events import Event, Kind, Severity
from pyhall_tui.journal.alarms import Alarms
from pyhall_tui.journal.journal import Journal
from pyhall_tui.journal.renaming import move_records, name_aside, put_records_aside
from tests.clock import ManualClock
from tests.journal.makers import NOW, dispatch, enrollment, event, verdict

LIFT = {"before": "BANNED", "after": "clean", "severity": Severity.NOTICE}
TABLES = ("events", "dispatches", "enrollments", "verdicts", "alarms", "silences")


class Nobody:
    def events_happened(self, events: list[Event]) -> None: ...
    def alarms_changed(self, changes: list[Change]) -> None: ...


def opened(path: Path, wall: float = NOW) -> Journal:
    return Journal.open(path / "journal.db", ManualClock(wall=wall))


def alarms_of(journal: Journal, profile: str, clock: ManualClock, renamed: list[str] | None = None) -> Alarms:
    alarms = Alarms(journal, profile, Nobody(), clock, operator="ada", renamed=(renamed or []).append)
    alarms.restore()
    return alarms


def profiles_in(path: Path, table: str) -> set[str]:
    """Return whose rows a table holds, as a third party would see it."""
    connection = sqlite3.connect(path / "journal.db")
    try:
        return {profile for (profile,) in connection.execute(f"SELECT DISTINCT profile FROM {table}")}
    finally:
        connection.close()


def test_everything_moves(tmp_path: Path) -> None:
    clock = ManualClock(wall=NOW)
    with opened(tmp_path) as journal:
        alarms = alarms_of(journal, "prod", clock)
        alarms.record([event(worker_id="w1", detail="exfiltrates"), event(worker_id="w2")])
        alarms.acknowledge_alarms(list(alarms.book.firing("w1").values()), "on it")
        alarms.silence(NOW + 600, "upgrade", worker="w2")
        alarms.record([event(worker_id="w3"), event(Kind.UNBANNED, "w3", **LIFT)])
        journal.record_dispatch("prod", dispatch())
        journal.record_enrollment("prod", enrollment())
        journal.save_verdict("prod", verdict("w1"))
        journal.record_event("other", event(worker_id="w9"))
        journal.rename("prod", "production")
        assert journal.flush(30)
    for table in TABLES:
        assert "production" in profiles_in(tmp_path, table) and "prod" not in profiles_in(tmp_path, table), table
    assert "other" in profiles_in(tmp_path, "events")
    with opened(tmp_path) as journal:
        again = alarms_of(journal, "production", clock)
        seen = again.book.firing("w1")[Condition.BANNED]
        assert (seen.id, seen.acknowledged_by, seen.note) == (
            alarm_id("production", "banned", "w1"),
            "ada",
            "on it",
        )
        assert again.book.standing(again.book.firing("w2")[Condition.BANNED]) is Standing.SILENCED
        ended = again.book.get(Condition.BANNED, "w3")
        assert ended is not None and ended.resolved_by == "verify"
        again.record([event(worker_id="w1")])
        assert again.firing == 0, "the same ban is still the same alarm"


def test_what_comes_under_the_old_name_follows(tmp_path: Path) -> None:
    """The open profile keeps its old name for a moment: the keyring may ask for its password meanwhile."""
    clock = ManualClock(wall=NOW)
    with opened(tmp_path) as journal:
        alarms = alarms_of(journal, "prod", clock)
        alarms.record([event(worker_id="w1")])
        assert journal.flush(30)
        journal.save_verdict("prod", verdict("w1"))
        alarms.rename("production")
        alarms.record([event(worker_id="w2")])
        alarms.acknowledge_alarms(list(alarms.book.firing("w1").values()), "mine")
        journal.save_verdict("prod", verdict("w2", at=NOW + 1))
        journal.record_dispatch("prod", dispatch())
        assert journal.flush(30)
        assert {row.worker_id for row in journal.all_verdicts("prod")} == {"w1", "w2"}
    assert all("prod" not in profiles_in(tmp_path, table) for table in TABLES)
    with opened(tmp_path) as journal:
        again = alarms_of(journal, "production", clock)
        assert {alarm.subject for alarm in again.book.counted()} == {"w2"}


def test_another_program_follows_and_loses_nothing(tmp_path: Path) -> None:
    clock, renamed = ManualClock(wall=NOW), []
    with opened(tmp_path) as one, opened(tmp_path) as two:
        here, there = alarms_of(one, "prod", clock), Alarms(two, "prod", Nobody(), clock, renamed=renamed.append)
        there.restore()
        here.record([event(worker_id="w1")])
        assert one.flush(30)
        here.rename("production")
        assert one.flush(30)
        there.record([event(worker_id="w2")])  # it doesn't know yet
        two.save_verdict("prod", verdict("w2"))
        assert two.flush(30)
        there.tick()
        assert renamed == ["production"]
        there.tick()
        assert {alarm.subject for alarm in there.book.counted()} == {"w1", "w2"}
        there.acknowledge_alarms(there.book.counted(), "both")
        assert two.flush(30)
        here.tick()
        assert here.firing == 0 and {alarm.note for alarm in here.book.alarms()} == {"both"}
    assert all("prod" not in profiles_in(tmp_path, table) for table in TABLES)


def test_the_newer_of_two_rows_about_the_same_counts(tmp_path: Path) -> None:
    """An earlier profile had the new name: what it left does not hide what is so now."""
    clock = ManualClock(wall=NOW)
    with opened(tmp_path) as journal:
        earlier = alarms_of(journal, "lab", clock)
        earlier.record([event(worker_id="w1", at=NOW - 500), event(worker_id="w2", at=NOW + 500)])
        journal.save_verdict("lab", verdict("w1", rank=2, at=NOW - 500))
        journal.save_verdict("lab", verdict("w2", rank=2, at=NOW + 500))
        journal.record_enrollment("lab", enrollment())
        now = alarms_of(journal, "prod", clock)
        now.record([event(worker_id="w1", detail="now"), event(worker_id="w2", detail="then")])
        journal.save_verdict("prod", verdict("w1", rank=7))
        journal.save_verdict("prod", verdict("w2", rank=7))
        journal.record_enrollment("prod", enrollment())
        journal.rename("prod", "lab")
        assert journal.flush(30)
        found = journal.alarms.all("lab") or []
        assert {alarm.subject: alarm.detail for alarm in found} == {"w1": "now", "w2": ""}
        assert {row.worker_id: row.rank for row in journal.all_verdicts("lab")} == {"w1": 7, "w2": 2}
        assert len(journal.earlier_sends("another form")) == 2, "what was sent is known under both names"


def test_a_new_profile_with_the_old_name_is_another_one(tmp_path: Path) -> None:
    clock = ManualClock(wall=NOW)
    with opened(tmp_path) as journal:
        alarms_of(journal, "prod", clock).rename("production")
        fresh = alarms_of(journal, "prod", clock)
        fresh.record([event(worker_id="w5")])
        assert journal.flush(30)
        assert [alarm.subject for alarm in journal.alarms.all("prod") or []] == ["w5"]
        assert journal.alarms.all("production") == []


def test_a_name_and_back_again(tmp_path: Path) -> None:
    clock = ManualClock(wall=NOW)
    with opened(tmp_path) as journal:
        alarms = alarms_of(journal, "prod", clock)
        alarms.record([event(worker_id="w1")])
        alarms.rename("x")
        alarms.rename("prod")
        alarms.record([event(worker_id="w2")])
        assert journal.flush(30)
        assert {alarm.subject for alarm in journal.alarms.all("prod") or []} == {"w1", "w2"}
    assert profiles_in(tmp_path, "events") == {"prod"}


def test_a_profile_that_is_not_open_is_moved_too(tmp_path: Path) -> None:
    clock = ManualClock(wall=NOW)
    assert move_records(None, tmp_path, clock, "prod", "x") == "" and not (tmp_path / "journal.db").exists()
    with opened(tmp_path) as journal:
        journal.record_event("prod", event())
    with Journal.in_memory(clock) as demo:
        assert move_records(demo, tmp_path, clock, "prod", "production") == ""
    assert profiles_in(tmp_path, "events") == {"production"} == profiles_in(tmp_path, "alarms")


def test_a_profile_with_the_name_of_a_deleted_one_inherits_nothing_and_nothing_is_lost(tmp_path: Path) -> None:
    clock = ManualClock(wall=NOW)
    with opened(tmp_path) as journal, opened(tmp_path) as elsewhere:
        alarms = alarms_of(journal, "prod", clock)
        alarms.record([event(worker_id="w1"), event(worker_id="w2")])
        alarms.silence(NOW + 600, "upgrade", worker="w2")
        journal.record_dispatch("prod", dispatch())
        journal.record_enrollment("prod", enrollment())
        journal.save_verdict("prod", verdict("w1"))
        journal.record_event("other", event(worker_id="w9"))
        assert journal.flush(30)
        names: list[str] = []
        beside = Alarms(elsewhere, "prod", Nobody(), clock, renamed=names.append)
        beside.restore()

        aside = name_aside("prod", clock)
        assert put_records_aside(journal, tmp_path, clock, "prod", aside) == ""
        beside.tick()
        assert names == [aside], "other programs don't go on under the deleted name"

        new = alarms_of(journal, "prod", clock)
        assert (new.firing, new.silenced, journal.verdicts_after("prod", "", 9), journal.events("prod")) == (
            0,
            0,
            [],
            [],
        )
        assert {each.worker_id for each in journal.events(aside) if each.kind is Kind.BANNED} == {"w1", "w2"}
        assert len(journal.events("other")) == 1
        assert len(journal.enrollments("prod")) == 1, "that a row was sent is never forgotten"
    for table in ("events", "dispatches", "alarms", "silences"):
        assert aside in profiles_in(tmp_path, table) and "prod" not in profiles_in(tmp_path, table), table


def test_the_records_of_a_deleted_profile_are_put_aside_in_a_journal_that_is_not_open(tmp_path: Path) -> None:
    clock = ManualClock(wall=NOW)
    assert put_records_aside(None, tmp_path, clock, "prod", "aside") == "", "there may be no journal"
    with opened(tmp_path) as journal:
        journal.record_event("prod", event(worker_id="w1"))
        assert journal.flush(30)
    assert put_records_aside(None, tmp_path, clock, "prod", "aside") == ""
    assert profiles_in(tmp_path, "events") == profiles_in(tmp_path, "alarms") == {"aside"}
