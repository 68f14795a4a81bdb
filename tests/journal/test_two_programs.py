"""Two programs on one profile: what one records, acknowledges or silences, the other knows a moment later."""

from pathlib import Path

import pytest

from pyhall_tui.alarms.alarm import Change, Condition, Standing
from pyhall_tui.fleet.events import Event, Kind, Severity
from pyhall_tui.journal.alarms import Alarms
from pyhall_tui.journal.journal import Journal
from tests.clock import ManualClock
from tests.journal.makers import NOW, event
from tests.open_alarms import open_alarms

BAN = {"severity": Severity.ALARM}
LIFT = {"before": "BANNED", "after": "clean", "severity": Severity.NOTICE}


class Silent:
    """Is told, and does nothing."""

    def events_happened(self, events: list[Event]) -> None: ...
    def alarms_changed(self, changes: list[Change]) -> None: ...


class Program:
    """One program's alarms, and what it was notified about."""

    def __init__(self, path: Path, operator: str) -> None:
        self.clock = ManualClock()
        self.journal = Journal.open(path / "journal.db", self.clock)
        self.events: list[Event] = []
        self.changes: list[Change] = []
        self.alarms = Alarms(self.journal, "prod", self, self.clock, operator=operator)
        self.alarms.restore()

    def events_happened(self, events: list[Event]) -> None:
        self.events += events

    def alarms_changed(self, changes: list[Change]) -> None:
        self.changes += changes

    def sees(self, *events: Event) -> None:
        """Record events, and have them written."""
        self.alarms.record(events)
        assert self.journal.flush(30)

    def follow(self) -> list[str]:
        """Let a second pass; return what it brought."""
        assert self.journal.flush(30)
        self.changes.clear()
        self.clock.skip(1.0)
        with (
            self.journal._store._write_lock
        ):  # else it may look in the middle of some other work, and again a second later
            self.alarms.tick()
        return [change.what.value for change in self.changes]


@pytest.fixture
def one(tmp_path: Path):
    program = Program(tmp_path, "ada")
    yield program
    program.journal.close()


@pytest.fixture
def two(tmp_path: Path, one: Program):
    program = Program(tmp_path, "bob")
    yield program
    program.journal.close()


def ban(worker: str = "w1", **fields: object) -> Event:
    return event(Kind.BANNED, worker, **BAN | fields)


def test_two_programs_that_record_one_ban_have_it_acknowledged_once(one: Program, two: Program) -> None:
    """F56: each records it for itself, a moment apart; that is no second thing to acknowledge."""
    one.sees(ban())
    two.sees(ban(at=NOW + 3), ban("w2", at=NOW + 3))
    one.alarms.acknowledge_all(one.events[-1].id, "on it")
    assert one.journal.flush(30)
    assert "acknowledged" in two.follow()
    assert two.alarms.firing == 1
    assert open_alarms(two.journal, "prod") == 1
    (seen,) = [alarm for alarm in two.alarms.book.alarms() if alarm.is_acknowledged]
    assert (seen.acknowledged_by, seen.note) == ("ada", "on it")
    assert two.follow() == []


def test_a_ban_that_the_other_records_after_the_acknowledgement_is_not_open(one: Program, two: Program) -> None:
    """F56."""
    one.sees(ban())
    one.alarms.acknowledge(one.events)
    assert one.journal.flush(30)
    two.sees(ban(at=NOW + 30, source="ban list"))
    two.follow()
    assert (one.alarms.firing, two.alarms.firing) == (0, 0)
    assert open_alarms(one.journal, "prod") == 0
    assert all(each.acknowledged for each in one.journal.events("prod"))


def test_what_the_other_has_recorded_is_no_second_event(one: Program, two: Program) -> None:
    """F56: neither its beginning nor its end; a later one is."""
    one.sees(ban())
    two.follow()
    two.sees(ban(at=NOW + 3, source="ban list"))
    one.sees(event(Kind.UNBANNED, "w1", at=NOW + 60, **LIFT))
    two.follow()
    two.sees(event(Kind.UNBANNED, "w1", at=NOW + 63, **LIFT))
    assert [each.kind for each in two.journal.events("prod")] == [Kind.UNBANNED, Kind.BANNED]
    assert two.events == []
    two.sees(ban(at=NOW + 70, detail="again"))
    one.follow()
    assert len(one.journal.events("prod")) == 3
    assert (one.alarms.firing, two.alarms.firing) == (1, 1)


def test_what_the_other_program_records_is_reported_here_once(one: Program, two: Program) -> None:
    one.sees(ban())
    assert two.follow() == ["fired"]
    assert two.alarms.firing == 1
    two.changes.clear()
    two.sees(ban(at=NOW + 3))
    assert two.changes == []
    assert one.follow() == [] and two.follow() == []
    one.sees(event(Kind.UNBANNED, "w1", at=NOW + 60, **LIFT))
    assert two.follow() == ["resolved"]
    assert two.alarms.firing == 0


def test_undoing_an_acknowledgement_is_followed_and_leaves_what_the_other_did(one: Program, two: Program) -> None:
    one.sees(ban("w1"), ban("w2"), ban("w3"))
    two.follow()
    one.alarms.acknowledge_all(one.events[-1].id)
    assert one.journal.flush(30)
    two.follow()
    assert two.alarms.firing == 0
    two.sees(event(Kind.UNBANNED, "w1", at=NOW + 60, **LIFT), ban("w1", at=NOW + 4_000))
    two.alarms.acknowledge(two.events[-1:], "again")
    assert two.journal.flush(30)
    assert one.alarms.undo() == 3  # it has not looked yet
    one.follow()
    two.follow()
    for program in (one, two):
        assert program.alarms.firing == 2
        assert program.alarms.book.firing("w1")[Condition.BANNED].acknowledged_by == "bob"
    assert one.alarms.undo() is None


def test_two_that_acknowledge_at_once_agree_on_who_was_first(one: Program, two: Program) -> None:
    one.sees(ban())
    two.follow()
    shown = two.journal.events("prod")
    one.alarms.acknowledge(one.events)
    assert one.journal.flush(30)
    two.alarms.acknowledge(shown)
    for _ in range(8):
        two.follow()
    assert two.alarms.book.firing("w1")[Condition.BANNED].acknowledged_by == "ada"


def test_silences_are_shared_and_end_by_themselves_with_one_event(one: Program, two: Program) -> None:
    one.sees(ban("wkr_1"), ban("other"))
    two.follow()
    silence = one.alarms.silence(NOW + 60, "upgrade", worker="wkr_*")
    assert (one.alarms.firing, one.alarms.silenced) == (1, 1)
    assert one.journal.flush(30)
    two.follow()
    assert (two.alarms.firing, two.alarms.silenced) == (1, 1)
    assert two.alarms.book.silences == (silence,)
    for program in (one, two):
        program.clock.skip(60)
        program.alarms.tick()
        assert (program.alarms.firing, program.alarms.silenced) == (2, 0)
        assert program.journal.flush(30)
    for program in (one, two):
        program.follow()
        assert (program.alarms.firing, program.alarms.silenced) == (2, 0)
    kinds = [(Kind.SILENCED, "ada"), (Kind.SILENCE_ENDED, "its time is over")]
    for kind, said in kinds:
        (told,) = one.journal.events("prod", kind=kind)
        assert said in told.detail and told.before == "all of wkr_*"


def test_a_silence_can_be_removed_by_the_other(one: Program, two: Program) -> None:
    one.sees(ban())
    one.alarms.silence(NOW + 600, "", condition="banned")
    one.journal.flush(30)
    two.follow()
    two.alarms.unsilence(two.alarms.book.silences[0])
    assert two.alarms.firing == 1
    two.journal.flush(30)
    assert one.follow() == ["unsilenced"]
    assert one.alarms.firing == 1 and one.alarms.book.silences == ()
    (over,) = one.journal.alarms.silences("prod", ended=1) or ()
    assert over.ended_by == "bob"


def test_a_worker_that_flaps_is_one_alarm_until_it_is_calm(one: Program, two: Program) -> None:
    for number in range(4):
        one.sees(ban(at=NOW + 20 * number), event(Kind.UNBANNED, "w1", at=NOW + 20 * number + 10, **LIFT))
    one.sees(ban(at=NOW + 100))
    (flapping,) = [each for each in one.events if each.kind is Kind.FLAPPING]
    assert flapping.detail == "more than 6 changes in 10 min"
    assert one.alarms.firing == 1
    assert one.alarms.book.standing(one.alarms.book.firing("w1")[Condition.BANNED]) is Standing.COVERED
    two.follow()
    assert two.alarms.firing == 1
    two.clock.skip(599)
    two.alarms.tick()
    assert Condition.FLAPPING in two.alarms.book.firing("w1")
    two.clock.skip(3)
    two.alarms.tick()
    two.journal.flush(30)
    one.follow()
    for program in (one, two):
        assert Condition.FLAPPING not in program.alarms.book.firing("w1")
        assert program.alarms.firing == 1  # the ban, which is the last word


def test_a_worker_that_is_watched_no_more_has_no_alarms(one: Program, two: Program) -> None:
    one.sees(ban("w1"), ban("w2"), event(Kind.REGISTRY_LOST, None))
    one.alarms.unwatched(["w1", "w3"])
    assert one.alarms.firing == 2
    one.alarms.only_watched(["w3"])
    assert [alarm.condition for alarm in one.alarms.book.counted()] == [Condition.REGISTRY_LOST]
    assert {each.worker_id for each in one.events if each.kind is Kind.UNWATCHED} == {"w1", "w2"}


def test_workers_that_vanish_with_most_others_are_no_alarms_in_either_program(one: Program, two: Program) -> None:
    """F20, F53: the registry's alarm stands for them; those that went before it was known are quieter from then on."""
    gone = [event(Kind.VANISHED, worker, before="active", after="unknown", **BAN) for worker in ("w1", "w2")]
    one.sees(gone[0])
    two.follow()
    assert (one.alarms.firing, two.alarms.firing) == (1, 1)
    one.alarms.most_vanish(most=True)
    one.sees(gone[1])
    two.follow()
    for program in (one, two):
        assert program.alarms.firing == 0
        severities = {alarm.severity for alarm in program.alarms.book.with_condition(Condition.VANISHED)}
        assert severities == {Severity.WARNING}


def test_a_new_run_knows_what_was_acknowledged_and_silenced(tmp_path: Path, one: Program) -> None:
    one.sees(ban("w1"), ban("w2"), ban("w3"))
    one.alarms.acknowledge(one.events[:1], "on it")
    one.alarms.silence(NOW + 600, "", worker="w2")
    assert one.journal.close(30)
    again = Program(tmp_path, "bob")
    assert (again.alarms.firing, again.alarms.silenced) == (1, 1)
    assert again.alarms.book.firing("w1")[Condition.BANNED].note == "on it"
    assert again.alarms.undo() is None
    again.sees(event(Kind.UNBANNED, "w1", at=NOW + 60, **LIFT), ban("w1", at=NOW + 90))
    assert again.alarms.book.firing("w1")[Condition.BANNED].times == 2
    assert again.journal.close(30)


def test_our_own_writing_is_nobody_elses(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db", ManualClock()) as journal:
        journal.record_event("prod", event(Kind.BANNED))
        assert journal.flush(30)
        assert journal.others_writes() == 0


def test_a_journal_in_memory_has_no_others() -> None:
    with Journal.in_memory(ManualClock()) as journal:
        journal.record_event("prod", event(Kind.BANNED))
        assert journal.others_writes() == 0


def test_each_profile_of_a_program_sees_what_another_program_wrote(tmp_path: Path) -> None:
    """Both ask the same journal: the first to ask leaves nothing out for the second."""
    with (
        Journal.open(tmp_path / "journal.db", ManualClock()) as journal,
        Journal.open(tmp_path / "journal.db", ManualClock()) as others,
    ):
        profiles = [Alarms(journal, name, Silent(), ManualClock()) for name in ("prod", "staging")]
        for alarms in profiles:
            alarms.restore()
        for name in ("prod", "staging"):
            others.record_event(name, ban())
        assert others.flush(30)
        for alarms in profiles:
            alarms.tick()
        assert [alarms.firing for alarms in profiles] == [1, 1]
