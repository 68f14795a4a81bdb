"""What a receiver has not got yet: each change at least once, whatever happens to the process or the files."""

import shutil

from pyhall_tui.journal.journal import Journal
from pyhall_tui.journal.retention import Retention, tidy
from tests.journal.makers import event
from tests.watch.rig import Rig


def ids(rig: Rig, receiver: str = "webhook", most: int = 100) -> list[str]:
    """Return what a receiver gets next: worker and what happened; it is not delivered."""
    return [f"{change.alarm.subject} {change.what}" for change in rig.news(receiver).next(most) if change.alarm]


def deliver(rig: Rig, receiver: str = "webhook", most: int = 100) -> int:
    news = rig.news(receiver)
    changes = news.next(most)
    news.done(changes)
    return len(changes)


def test_a_new_receiver_gets_what_fires_and_no_more_of_the_past(rig: Rig) -> None:
    rig.ban("a", "b", "c")
    rig.lift("b")
    rig.alarms.acknowledge_alarms([rig.alarms.book.get("banned", "c")])
    assert rig.journal.flush(30)
    assert ids(rig) == ["a fired"]


def test_a_change_comes_again_until_it_is_delivered(rig: Rig) -> None:
    deliver(rig)
    rig.ban("a")
    rig.lift("a")
    assert ids(rig) == ids(rig) == ["a fired", "a resolved"]
    assert deliver(rig, most=1) == 1
    assert ids(rig) == ["a resolved"]


def test_a_killed_process_loses_nothing_and_a_delivered_change_does_not_come_again(rig: Rig) -> None:
    deliver(rig)
    rig.ban("a")
    deliver(rig)
    rig.ban("b")
    rig.journal.close()
    again = rig.restarted()
    again.ban("c")
    assert ids(again) == ["b fired", "c fired"]
    again.journal.close()


def test_a_kill_before_the_first_delivery_loses_nothing(rig: Rig) -> None:
    rig.ban("a")
    assert ids(rig) == ["a fired"]
    rig.lift("a")
    again = rig.restarted()
    assert ids(again) == []  # it is over, and nobody was told that it fired
    again.journal.close()


def test_each_receiver_has_its_own_place(rig: Rig) -> None:
    deliver(rig, "one")
    deliver(rig, "two")
    rig.ban("a")
    deliver(rig, "one")
    assert (ids(rig, "one"), ids(rig, "two")) == ([], ["a fired"])


def test_another_profiles_changes_are_not_news(rig: Rig) -> None:
    deliver(rig)
    rig.journal.record_event("other", event(worker_id="x"))
    rig.ban("a")
    assert ids(rig) == ["a fired"]
    deliver(rig)
    assert ids(rig) == []


def test_after_the_journal_was_lost_what_fires_comes_again(rig: Rig) -> None:
    rig.ban("a", "b")
    deliver(rig)
    rig.lift("b")
    deliver(rig)
    rig.journal.close()
    for file in rig.path.glob("journal.db*"):
        file.unlink()
    again = rig.restarted()
    for worker in ("c", "d", "e", "f"):  # more changes than before: the numbers start again
        again.ban(worker)
    assert ids(again) == ["c fired", "d fired", "e fired", "f fired"]
    again.journal.close()


def test_a_lost_note_repeats_what_fires(rig: Rig) -> None:
    rig.ban("a")
    deliver(rig)
    shutil.rmtree(rig.path / "state")
    assert ids(rig) == ["a fired"]


def test_a_place_that_is_no_longer_kept_leaves_everything_kept_as_news(rig: Rig) -> None:
    rig.ban("a")
    deliver(rig)
    for worker in ("b", "c", "d"):
        rig.ban(worker)
    rig.journal._store.write(lambda connection: tidy(connection, Retention(alarm_changes=2), rig.clock.now().wall))
    assert ids(rig) == ["c fired", "d fired"]


def test_a_journal_that_cannot_be_read_now_repeats_nothing(rig: Rig, monkeypatch) -> None:
    rig.ban("a")
    deliver(rig)
    news = rig.news()
    monkeypatch.setattr(rig.journal._store, "read", lambda question: None)
    assert news.next(10) == []
    monkeypatch.undo()
    rig.ban("b")
    assert [change.alarm.subject for change in news.next(10)] == ["b"]


def test_a_journal_in_memory_has_news_too(rig: Rig) -> None:
    with Journal.in_memory(rig.clock) as journal:
        rig.journal, rig.alarms._journal = journal, journal
        deliver(rig)
        rig.ban("a")
        assert ids(rig) == ["a fired"]
