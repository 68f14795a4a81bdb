"""What is recorded can be read, in this run and in the next."""

import stat
import sys
from pathlib import Path

import pytest

from pyhall_tui.fleet.entry import Ban, State
from pyhall_tui.fleet.events import Kind, Severity
from pyhall_tui.journal.journal import Journal
from pyhall_tui.journal.last_verdict import LastVerdict, ban_of
from pyhall_tui.journal.rows import DispatchRow, EnrollmentState
from pyhall_tui.registry.models import BanListEntry, Verdict
from tests.clock import ManualClock
from tests.journal.makers import NOW, dispatch, enrollment, event, rows_in, until, verdict
from tests.open_alarms import open_alarms


@pytest.fixture
def journal():
    with Journal.in_memory(ManualClock()) as opened:
        yield opened


def reopened(path: Path) -> Journal:
    return Journal.open(path, ManualClock())


def test_an_event_is_there_in_the_next_run_field_by_field(tmp_path):
    told = event(correlation_id="req-7", source="ban list", detail="reason: stolen", before="clean", after="banned")
    with reopened(tmp_path / "journal.db") as journal:
        recorded = journal.record_event("prod", told)
        assert recorded.replaced_id is None
    with reopened(tmp_path / "journal.db") as journal:
        assert journal.events("prod") == [recorded.event]
        assert journal.notes == ()
        assert journal.is_kept


def test_events_come_newest_first_a_page_at_a_time(journal):
    ids = [journal.record_event("prod", event(worker_id=f"w{n}")).event.id for n in range(5)]
    assert [one.id for one in journal.events("prod", limit=2)] == [ids[4], ids[3]]
    assert [one.id for one in journal.events("prod", limit=9, before_id=ids[3])] == [ids[2], ids[1], ids[0]]
    assert [one.id for one in journal.events_since("prod", ids[2])] == [ids[3], ids[4]]


def test_a_profile_sees_its_own_events_only(journal):
    journal.record_event("prod", event())
    assert journal.events("test") == []
    assert open_alarms(journal, "test") == 0


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ({"severity": Severity.WARNING}, {"org.acme.mail", "org.acme.pay_1"}),
        ({"kind": Kind.ATTESTED}, {"org.acme.info"}),
        ({"kind": {Kind.ATTESTED, Kind.BANNED}}, {"org.acme.info", "org.acme.mail"}),
        ({"worker": "org.acme.mail"}, {"org.acme.mail"}),
        ({"worker": "*a?l*"}, set()),
        ({"worker": "*ma*"}, {"org.acme.mail"}),
        ({"text": "STOLEN"}, {"org.acme.mail"}),
        ({"text": "pay_1"}, {"org.acme.pay_1"}),
        ({"text": "m_il"}, set()),
        ({"text": "100%"}, {"org.acme.pay_1"}),
        ({"text": "' OR 1=1 --"}, set()),
    ],
)
def test_events_are_filtered(journal, question, found):
    journal.record_event("prod", event(worker_id="org.acme.mail", detail="package stolen"))
    journal.record_event(
        "prod", event(Kind.DRIFTED, "org.acme.pay_1", severity=Severity.WARNING, detail="100% of files")
    )
    journal.record_event("prod", event(Kind.ATTESTED, "org.acme.info", severity=Severity.INFO))
    assert {one.worker_id for one in journal.events("prod", **question)} == found


def test_alarms_are_counted_until_they_are_acknowledged(journal):
    first, second, third = (journal.record_event("prod", event(worker_id=f"w{n}")).event.id for n in range(3))
    journal.record_event("prod", event(Kind.ATTESTED, "w9", severity=Severity.NOTICE))
    assert open_alarms(journal, "prod") == 3
    journal.acknowledge([first])
    assert open_alarms(journal, "prod") == 2
    journal.acknowledge_all("prod", up_to_id=second)
    assert open_alarms(journal, "prod") == 1
    assert [one.id for one in journal.events("prod", unacknowledged=True, severity=Severity.ALARM)] == [third]


def test_a_dispatch_is_there_in_the_next_run_field_by_field(tmp_path):
    sent = DispatchRow(
        at=NOW,
        namespace="org.acme",
        capability="mail.send",
        worker_id="org.acme.w1",
        context='{"risk_tier":"low"}',
        outcome="deny",
        deny_code="DENY_BANNED",
        reason="banned",
        decision_id="d-1",
        correlation_id="req-1",
        correlation_back="req-2",
        status=200,
        elapsed_ms=41.5,
        error="",
        may_have_reached=True,
        request_raw=b'{"a":1}',
        response_raw=b"\xff\xfe not text",
    )
    with reopened(tmp_path / "journal.db") as journal:
        kept = journal.record_dispatch("prod", sent)
    with reopened(tmp_path / "journal.db") as journal:
        assert journal.dispatches("prod") == [kept]
        assert journal.dispatch(kept.id) == kept
        assert kept.id > 0


def test_dispatches_are_searched(journal):
    journal.record_dispatch("prod", dispatch(correlation_id="req-1", deny_code="DENY_RISK", outcome="deny"))
    journal.record_dispatch("prod", dispatch(worker_id="org.acme.w2", correlation_id="req-2", correlation_back="req-9"))
    journal.record_dispatch("prod", dispatch(capability="pay.out", correlation_id="req-3", error="It timed out."))

    def ids(**question: object) -> list[str]:
        return [row.correlation_id for row in journal.dispatches("prod", **question)]

    assert ids() == ["req-3", "req-2", "req-1"]
    assert ids(worker="org.acme.w2") == ["req-2"]
    assert ids(capability="pay.*") == ["req-3"]
    assert ids(code="DENY_*") == ["req-1"]
    assert ids(correlation_id="req-9") == ["req-2"]
    assert ids(text="TIMED") == ["req-3"]
    assert ids(limit=1, before_id=journal.dispatches("prod")[0].id) == ["req-2"]


def test_a_raw_body_is_kept_up_to_its_bound(journal):
    kept = journal.record_dispatch("prod", dispatch(response_raw=b"x" * 5_000_000))
    found = journal.dispatch(kept.id)
    assert found is not None
    assert found.response_raw == b"x" * 16_384


def test_what_one_correlation_id_touched_is_found_together(journal):
    journal.record_event("prod", event(correlation_id="req-7"))
    journal.record_dispatch("prod", dispatch(correlation_id="req-7"))
    journal.record_dispatch("prod", dispatch(correlation_id="req-8", correlation_back="req-7"))
    journal.record_enrollment("prod", enrollment(correlation_id="req-7"))
    journal.save_verdict("prod", verdict(correlation_id="req-7"))
    touched = journal.by_correlation_id("req-7")
    assert [len(part) for part in touched] == [1, 2, 1, 1]
    assert not any(journal.by_correlation_id("req-none"))


def test_a_batch_row_keeps_its_last_state_and_its_beginning(journal):
    journal.record_enrollment("prod", enrollment(state=EnrollmentState.CHECKED))
    journal.record_enrollment("prod", enrollment("k2", state=EnrollmentState.CHECKED, at=NOW + 1))
    journal.record_enrollment("prod", enrollment(state=EnrollmentState.ANSWERED, at=NOW + 9, answer='{"id":1}'))
    first, second = journal.enrollments("prod", batch="b1")
    assert (first.state, first.at, first.began_at) == (EnrollmentState.ANSWERED, NOW + 9, NOW)
    assert first.answer == '{"id":1}'
    assert second.state is EnrollmentState.CHECKED
    (summary,) = journal.batches("prod")
    assert summary.states == {EnrollmentState.ANSWERED: 1, EnrollmentState.CHECKED: 1}
    assert (summary.began_at, summary.last_at) == (NOW, NOW + 9)


def test_a_row_that_was_sent_in_another_batch_is_found_by_its_key(journal):
    journal.record_enrollment("prod", enrollment("k1", batch="yesterday"))
    journal.record_enrollment("prod", enrollment("k1", batch="today", state=EnrollmentState.CHECKED))
    assert [row.batch for row in journal.enrollments("prod", row_key="k1")] == ["yesterday", "today"]


def test_an_enrollment_recorded_now_is_on_disk_when_the_call_returns(tmp_path):
    path = tmp_path / "journal.db"
    with reopened(path) as journal:
        assert journal.record_enrollment_now("prod", enrollment()) is True
        assert rows_in(path, "enrollments") == 1


def test_an_enrollment_recorded_now_in_memory_says_that_it_is_not_on_disk(journal):
    assert journal.record_enrollment_now("prod", enrollment()) is False
    assert len(journal.enrollments("prod")) == 1


def test_last_verdicts_come_back_loudest_first(tmp_path):
    banned = LastVerdict(
        worker_id="org.acme.z",
        verdict=Verdict(worker_id="org.acme.z", known=True, banned=True, doubts=("one",), capabilities=("a", "b")),
        at=NOW - 60,
        rank=0,
        banned_by=BanListEntry(sha256="a" * 64, reason="stolen"),
        changed_at=NOW - 90,
    )
    with reopened(tmp_path / "journal.db") as journal:
        for worker_id in ("org.acme.b", "org.acme.a"):
            journal.save_verdict("prod", verdict(worker_id))
        journal.save_verdict("prod", banned)
    with reopened(tmp_path / "journal.db") as journal:
        found = journal.all_verdicts("prod")
        assert [row.worker_id for row in found] == ["org.acme.z", "org.acme.a", "org.acme.b"]
        assert (found[0].banned_by, found[0].rank, found[0].at) == (banned.banned_by, 0, NOW - 60)
        assert found[0].changed_at == NOW - 90
        assert found[0].verdict.capabilities == ("a", "b")
        assert journal.first_verdicts("prod", 1) == found[:1]
        assert journal.raw_answer("prod", "org.acme.a") == b'{"a":1}'


def test_a_worker_that_is_watched_no_more_is_forgotten(journal):
    journal.save_verdict("prod", verdict())
    journal.forget_worker("prod", "org.acme.w1")
    assert journal.all_verdicts("prod") == []
    journal.save_verdict("prod", verdict())
    assert len(journal.all_verdicts("prod")) == 1


def test_an_older_verdict_does_not_replace_a_newer_one(tmp_path):
    """Two programs watch one fleet, and the slower one writes last."""
    path = tmp_path / "journal.db"
    with reopened(path) as quick, reopened(path) as slow:
        quick.save_verdict("prod", verdict(rank=0, at=NOW, banned=True))
        assert quick.flush(30)
        slow.save_verdict("prod", verdict(rank=8, at=NOW - 1))
        assert slow.flush(30)
        (kept,) = slow.all_verdicts("prod")
        assert kept.verdict.banned


def test_a_verdict_from_the_future_is_replaced(journal):
    """The clock was a year ahead, and was set right."""
    journal.save_verdict("prod", verdict(rank=8, at=NOW + 31_536_000))
    assert journal.flush(30)
    journal.save_verdict("prod", verdict(rank=0, at=NOW, banned=True))
    assert journal.all_verdicts("prod")[0].verdict.banned


def test_ids_increase_even_if_the_clock_is_set_back(tmp_path):
    """Also across a restart."""
    clock = ManualClock()
    with Journal.open(tmp_path / "journal.db", clock) as journal:
        first = journal.record_event("prod", event()).event.id
        clock.jump_wall(-86_400)
        second = journal.record_event("prod", event(worker_id="w2")).event.id
    with Journal.open(tmp_path / "journal.db", clock) as journal:
        third = journal.record_event("prod", event(worker_id="w3")).event.id
    assert first < second < third < 2**53


def test_a_row_that_cannot_be_written_holds_no_other_off(journal):
    journal.record_event("prod", event(worker_id="w1", at="no time", count=object()))
    journal.record_event("prod", event(worker_id="w2"))
    assert [one.worker_id for one in journal.events("prod")] == ["w2"]
    assert "1 row could not be written" in journal.notes[0]


def test_text_that_utf8_cannot_carry_is_kept_escaped(journal):
    journal.record_event("prod", event(worker_id="w\udcff", detail="zero \0 and [/x]"))
    (kept,) = journal.events("prod")
    assert (kept.worker_id, kept.detail) == ("w\\udcff", "zero \0 and [/x]")


def test_rows_reach_the_disk_by_themselves(tmp_path):
    path = tmp_path / "journal.db"
    with reopened(path) as journal:
        journal.record_event("prod", event())
        until(lambda: rows_in(path, "events") == 1, seconds=5)


def test_calls_after_close_do_nothing(tmp_path):
    journal = reopened(tmp_path / "journal.db")
    assert journal.close()
    journal.record_event("prod", event())
    assert journal.events("prod") == []
    assert journal.close()


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
def test_folder_and_file_are_only_for_this_user(tmp_path):
    path = tmp_path / "data" / "journal.db"
    with reopened(path):
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert [stat.S_IMODE(one.stat().st_mode) for one in path.parent.iterdir()] == [0o600] * 3


def test_a_ban_that_a_doubtful_answer_did_not_lift_is_still_one_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with Journal.open(path, ManualClock()) as journal:
        journal.save_verdict("prod", verdict("w1", rank=State.BANNED, doubts=("ban_status is missing",)))
        journal.save_verdict("prod", verdict("w2", rank=State.UNKNOWN, doubts=("ban_status is missing",)))
        assert journal.flush(30)
        bans = {row.worker_id: ban_of(row, 5.0) for row in journal.first_verdicts("prod", 10)}
    assert bans == {"w1": Ban("verify", 5.0), "w2": None}
