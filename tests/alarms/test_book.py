"""The state of each alarm, and how many are counted."""

import time

import msgspec

from pyhall_tui.alarms.alarm import Alarm, Change, Condition, Standing, What
from pyhall_tui.alarms.book import AlarmBook
from pyhall_tui.alarms.silences import Silence
from pyhall_tui.fleet.events import FIRST_SIGHT, Event, Kind, Severity
from tests.journal.makers import NOW, event

LIFT = {"before": "BANNED", "after": "clean", "severity": Severity.NOTICE}


def book_with(*events: Event) -> AlarmBook:
    book = AlarmBook("prod")
    for one in events:
        book.take(one, "org.acme")
    return book


def counts(book: AlarmBook) -> dict[str, int]:
    return {standing.value: count for standing in Standing if (count := book.count(standing))}


def firing(book: AlarmBook, subject: str = "w1", condition: Condition = Condition.BANNED) -> Alarm:
    return book.firing(subject)[condition]


def silence(**fields: object) -> Silence:
    return Silence(**{"id": "s1", "began_at": NOW, "until": NOW + 60, **fields})  # type: ignore[arg-type]


def test_what_fires_is_counted_until_it_is_acknowledged_or_ends() -> None:
    book = book_with(event(worker_id="w1", id=1), event(worker_id="w2", id=2), event(Kind.REGISTRY_LOST, None, id=3))
    assert counts(book) == {"firing": 3}
    (change,) = book.acknowledge([firing(book)], NOW, "ada", "on it", 7)
    assert change.what is What.ACKNOWLEDGED and change.alarm == firing(book)
    assert (firing(book).acknowledged_by, firing(book).note) == ("ada", "on it")
    assert counts(book) == {"firing": 2, "acknowledged": 1}
    book.take(event(Kind.UNBANNED, "w2", **LIFT), "")
    book.take(event(Kind.UNBANNED, "w1", **LIFT), "")
    assert counts(book) == {"firing": 1, "resolved": 2}
    assert [alarm.condition for alarm in book.counted()] == [Condition.REGISTRY_LOST]


def test_a_new_firing_has_been_acknowledged_by_nobody() -> None:
    book = book_with(event(worker_id="w1", id=1))
    seen = firing(book)
    book.acknowledge([seen], NOW, "ada", "", 7)
    book.take(event(Kind.UNBANNED, "w1", **LIFT), "")
    book.take(event(worker_id="w1", id=2), "")
    assert counts(book) == {"firing": 1}
    assert book.acknowledge([seen], NOW, "ada", "", 8) == []
    assert counts(book) == {"firing": 1}


def test_undoing_an_acknowledgement_leaves_what_others_did_since() -> None:
    book = book_with(*(event(worker_id=worker, id=number) for number, worker in enumerate(("w1", "w2", "w3"), 1)))
    book.acknowledge([firing(book, "w1"), firing(book, "w2")], NOW, "ada", "", 7)
    theirs = msgspec.structs.replace(firing(book, "w2"), act=8, acknowledged_by="bob")
    book.put(theirs)
    (undone,) = book.unacknowledge(7, NOW + 1, "ada")
    assert undone.what is What.UNACKNOWLEDGED
    assert counts(book) == {"firing": 2, "acknowledged": 1}
    assert firing(book, "w2") == theirs


def test_warnings_and_notes_are_not_counted_among_the_alarms() -> None:
    book = book_with(event(severity=Severity.WARNING))
    assert counts(book) == {} and book.counted() == []
    assert book.count(Standing.FIRING, Severity.WARNING) == 1


def test_silenced_alarms_are_counted_as_such_and_fire_again_at_the_silences_end() -> None:
    book = book_with(event(worker_id="w1", id=1), event(worker_id="w2", id=2))
    book.put_silence(silence(worker="w1"), NOW)
    assert counts(book) == {"firing": 1, "silenced": 1}
    assert book.silenced_by(firing(book, "w1")) == silence(worker="w1")
    book.take(event(Kind.DRIFTED, "w1", id=3), "")
    assert counts(book) == {"firing": 1, "silenced": 2}
    assert book.ended(NOW + 59) == []
    assert book.ended(NOW + 60) == [silence(worker="w1")]
    assert counts(book) == {"firing": 3} and book.silences == ()
    assert book.ended(NOW + 61) == []


def test_of_two_silences_the_longer_counts() -> None:
    book = book_with(event(worker_id="w1"))
    longer = silence(id="s2", until=NOW + 600)
    book.put_silence(silence(), NOW)
    book.put_silence(longer, NOW)
    assert book.silenced_by(firing(book)) == longer
    book.put_silence(msgspec.structs.replace(longer, ended_at=NOW), NOW)
    assert book.silenced_by(firing(book)) == silence()


def test_what_comes_and_goes_with_the_flapping_is_covered_by_its_one_alarm() -> None:
    bans = [event(worker_id="w1", id=1), event(Kind.UNBANNED, "w1", **LIFT), event(worker_id="w1", id=3)]
    book = book_with(*bans)
    assert counts(book) == {"firing": 1}
    book.take(event(Kind.FLAPPING, "w1", id=4), "")
    assert counts(book) == {"firing": 1, "covered": 1}
    book.acknowledge([firing(book, condition=Condition.FLAPPING)], NOW, "ada", "", 7)
    assert counts(book) == {"covered": 1, "acknowledged": 1}
    book.take(event(Kind.CALMED, "w1", severity=Severity.NOTICE), "")
    assert counts(book) == {"firing": 1, "resolved": 1}


def test_a_first_ban_is_not_lost_in_other_flapping_or_its_silence() -> None:
    book = book_with(event(Kind.FLAPPING, "w1", id=1), event(worker_id="w1", id=2))
    assert counts(book) == {"firing": 2}
    book.take(event(Kind.UNBANNED, "w1", **LIFT), "")
    book.take(event(worker_id="w1", id=3), "")
    assert counts(book) == {"firing": 1, "covered": 1}
    book.put_silence(silence(condition="flapping"), NOW)
    assert counts(book) == {"firing": 1, "silenced": 1}


def test_what_was_so_at_first_sight_calls_nobody() -> None:
    book = AlarmBook("prod")
    assert [change.quiet for change in book.take(event(before=FIRST_SIGHT), "")] == [True]
    assert [change.quiet for change in book.take(event(worker_id="w2"), "")] == [False]


def test_a_changes_id_is_the_same_in_every_program() -> None:
    one, two = AlarmBook("prod"), AlarmBook("prod")
    (mine,), (theirs,) = one.take(event(id=1), ""), two.take(event(id=2, at=NOW + 3), "")
    assert mine.id == theirs.id
    assert mine.alarm is not None and len(mine.alarm.id) == 12
    assert {mine.id} & {Change(what=What.RESOLVED, at=NOW, alarm=mine.alarm).id} == set()


def test_an_alarm_that_is_no_longer_kept_is_looked_up_to_continue_its_count() -> None:
    old = msgspec.structs.replace(firing(book_with(event(worker_id="w1"))), times=4, resolved_at=NOW)
    book = AlarmBook("prod", lambda condition, subject: old if subject == "w1" else None)
    book.take(event(worker_id="w1", id=9), "")
    book.take(event(worker_id="w2", id=9), "")
    assert (firing(book, "w1").times, firing(book, "w2").times) == (5, 1)


def test_ten_thousand_alarms_are_counted_as_they_come() -> None:
    book = AlarmBook("prod")
    book.put_silence(silence(worker="w1*"), NOW)
    began = time.process_time()
    for number in range(10_000):
        book.take(event(worker_id=f"w{number}", id=number), "org.acme")
    book.acknowledge(book.counted(), NOW, "ada", "", 7)
    for number in range(10_000):
        book.take(event(Kind.UNBANNED, f"w{number}", **LIFT), "")
    assert counts(book) == {"resolved": 10_000}
    assert time.process_time() - began < 10
