"""A flapping worker is one row with a count."""

import pytest

from pyhall_tui.fleet.events import Kind, Severity
from pyhall_tui.journal import coalescing as folding
from pyhall_tui.journal.journal import Journal
from tests.clock import ManualClock
from tests.journal.makers import NOW, event
from tests.open_alarms import open_alarms

BAN = {"before": "clean", "after": "banned", "severity": Severity.ALARM}
END = {"before": "banned", "after": "clean", "severity": Severity.NOTICE}


def flap(journal, times: int, start: float = NOW):
    """Record `times` events, alternately a ban and its end, ten seconds apart."""
    return [
        journal.record_event(
            "prod",
            event(Kind.BANNED, at=start + 10 * n, correlation_id=f"req-{n}", **BAN)
            if n % 2 == 0
            else event(Kind.UNBANNED, at=start + 10 * n, correlation_id=f"req-{n}", **END),
        )
        for n in range(times)
    ]


def test_a_ban_and_its_end_are_two_events():
    with Journal.in_memory(ManualClock()) as journal:
        flap(journal, 2)
        assert [(one.kind, one.count) for one in journal.events("prod")] == [(Kind.UNBANNED, 1), (Kind.BANNED, 1)]


def test_what_follows_them_is_one_row_with_a_count():
    with Journal.in_memory(ManualClock()) as journal:
        recorded = flap(journal, 9)
        flapping, first = journal.events("prod")
        assert (first.kind, first.count) == (Kind.BANNED, 1)
        assert (flapping.kind, flapping.count) == (Kind.BANNED, 8)
        assert (flapping.before, flapping.after) == ("clean", "banned")
        assert (flapping.severity, flapping.at) == (Severity.ALARM, NOW + 80)
        assert flapping == recorded[-1].event


def test_a_row_whose_last_state_is_clean_is_not_an_alarm():
    """F57: an alarm in it that nobody has seen leaves a warning."""
    with Journal.in_memory(ManualClock()) as journal:
        flapping = flap(journal, 10)[-1].event
        assert (flapping.before, flapping.after) == ("banned", "clean")
        assert flapping.severity is Severity.WARNING


def test_a_ban_for_another_reason_is_a_new_alarm_with_that_reason():
    """F57: its row is open again, although its last ban was acknowledged."""
    with Journal.in_memory(ManualClock()) as journal:
        last = flap(journal, 3)[-1].event
        journal.acknowledge_all("prod", up_to_id=last.id)
        again = event(Kind.BANNED, at=NOW + 40, detail="mines coins", **BAN | {"before": "banned for another reason"})
        kept, _ = journal.record_event("prod", again)
        assert (kept.detail, kept.severity, kept.acknowledged) == ("mines coins", Severity.ALARM, False)
        assert kept.before != kept.after
        assert open_alarms(journal, "prod") == 1


def test_the_caller_learns_which_row_is_gone():
    with Journal.in_memory(ManualClock()) as journal:
        shown = {}
        for kept, replaced in flap(journal, 7):
            shown.pop(replaced, None)
            shown[kept.id] = kept
        assert sorted(shown.values(), key=lambda one: -one.id) == journal.events("prod")


def test_every_correlation_id_of_a_folded_row_leads_to_it():
    with Journal.in_memory(ManualClock()) as journal:
        flap(journal, 6)
        for n in range(6):
            assert len(journal.by_correlation_id(f"req-{n}").events) == 1
        assert journal.by_correlation_id("req-").events == []


def test_after_a_quiet_while_a_new_row_is_begun():
    with Journal.in_memory(ManualClock()) as journal:
        flap(journal, 4)
        journal.record_event("prod", event(Kind.BANNED, at=NOW + 30 + folding.WINDOW + 1, **BAN))
        assert [one.count for one in journal.events("prod")] == [1, 3, 1]


@pytest.mark.thorough
def test_a_day_of_flapping_is_a_row_an_hour():
    day = 24 * 360
    with Journal.in_memory(ManualClock()) as journal:
        flap(journal, day)
        assert journal.flush(20)
        rows = journal.events("prod", limit=10_000)
        assert sum(one.count for one in rows) == day
        assert 24 <= len(rows) <= 26


def test_another_worker_another_profile_and_another_family_are_not_folded():
    with Journal.in_memory(ManualClock()) as journal:
        for _ in range(2):
            journal.record_event("prod", event(Kind.BANNED, "w1"))
            journal.record_event("prod", event(Kind.DRIFTED, "w1"))
            journal.record_event("prod", event(Kind.BANNED, "w2"))
            journal.record_event("test", event(Kind.BANNED, "w1"))
        assert [one.count for one in journal.events("prod")] == [1] * 6
        assert [one.count for one in journal.events("test")] == [1] * 2


def test_what_a_person_did_is_never_folded():
    with Journal.in_memory(ManualClock()) as journal:
        for n in range(4):
            journal.record_event("prod", event(Kind.ATTEST_SENT, "w1", correlation_id=f"req-{n}"))
        assert [one.correlation_id for one in journal.events("prod")] == ["req-3", "req-2", "req-1", "req-0"]


def test_an_alarm_folded_into_an_acknowledged_row_opens_it_again():
    with Journal.in_memory(ManualClock()) as journal:
        *_, (kept, _) = flap(journal, 3)
        journal.acknowledge_all("prod", up_to_id=kept.id)
        assert open_alarms(journal, "prod") == 0
        journal.record_event("prod", event(Kind.UNBANNED, at=NOW + 40, **END))
        assert open_alarms(journal, "prod") == 0
        journal.record_event("prod", event(Kind.BANNED, at=NOW + 50, **BAN))
        assert open_alarms(journal, "prod") == 1


def test_acknowledging_a_row_that_was_folded_meanwhile_leaves_the_news_open():
    with Journal.in_memory(ManualClock()) as journal:
        shown = flap(journal, 3)[-1].event
        journal.record_event("prod", event(Kind.BANNED, at=NOW + 40, **BAN))
        journal.acknowledge([shown.id])
        assert journal.events("prod")[0].acknowledged is False
