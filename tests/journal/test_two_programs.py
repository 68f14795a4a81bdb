"""Two programs on one journal: what one acknowledges, the other knows."""

from pathlib import Path

from pyhall_tui.fleet.events import Kind, Severity
from pyhall_tui.journal.alarms import OpenAlarms
from pyhall_tui.journal.journal import Journal
from tests.clock import ManualClock
from tests.journal.makers import NOW, event

BAN = {"severity": Severity.ALARM}


def test_two_programs_that_record_one_ban_have_it_acknowledged_once(tmp_path: Path) -> None:
    """F56: each records it for itself, a moment apart; that is no second thing to acknowledge."""
    path = tmp_path / "journal.db"
    with Journal.open(path, ManualClock()) as one, Journal.open(path, ManualClock(wall=1_774_000_003.0)) as two:
        mine = one.record_event("prod", event(Kind.BANNED, at=NOW, **BAN)).event
        assert one.flush()
        two.record_event("prod", event(Kind.BANNED, at=NOW + 3, **BAN))
        two.record_event("prod", event(Kind.BANNED, "other", at=NOW + 3, **BAN))
        assert two.flush()
        two.others_wrote()
        one.acknowledge_all("prod", mine.id)
        assert one.flush()
        assert two.others_wrote()
        assert not two.others_wrote()
        assert two.unacknowledged_alarms("prod") == 1


def test_alarms_that_another_program_acknowledged_are_no_longer_open(tmp_path: Path) -> None:
    """F56: those that it has not seen stay."""
    path = tmp_path / "journal.db"
    told: list[str | None] = []
    with Journal.open(path, ManualClock()) as mine, Journal.open(path, ManualClock()) as other:
        alarms = OpenAlarms(mine, "prod", lambda events: told.extend(each.worker_id for each in events))
        alarms.record([event(Kind.BANNED, worker, at=NOW, **BAN) for worker in ("w1", "w2", "w3")])
        assert mine.flush()
        assert not alarms.follow_others()
        first, second, _ = sorted(alarms.ids)
        other.acknowledge([first, second])
        assert other.flush()
        told.clear()
        assert alarms.follow_others()
        assert len(alarms.ids) == 1
        assert sorted(map(str, told)) == ["w1", "w2"]
        assert not alarms.follow_others()


def test_our_own_writing_is_nobody_elses(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db", ManualClock()) as journal:
        journal.record_event("prod", event(Kind.BANNED))
        assert journal.flush()
        assert not journal.others_wrote()


def test_a_journal_in_memory_has_no_others() -> None:
    with Journal.in_memory(ManualClock()) as journal:
        journal.record_event("prod", event(Kind.BANNED))
        assert not journal.others_wrote()
