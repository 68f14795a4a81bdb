"""What the newest answer shows but the alarms don't becomes an event; an older answer ends nothing."""

import math

import pytest

from pyhall_tui.alarms.alarm import Alarm, Condition
from pyhall_tui.alarms.corrections import by_ban_list, by_drift, by_verdict
from pyhall_tui.clock import Moment
from pyhall_tui.fleet.drift_state import DriftState
from pyhall_tui.fleet.entry import Ban, Entry
from pyhall_tui.fleet.events import Kind
from pyhall_tui.registry.models import BanListEntry, Verdict
from tests.journal.makers import NOW

ASKED, THEN = Moment(1_000.0, NOW), Moment(1_000.0, NOW)


def entry_of(ban: Ban | None = None, **fields: object) -> Entry:
    known = {"worker_id": "w1", "known": True, "status": "active", "attested": True, **fields}
    return Entry("w1", Verdict(**known), ban=ban)  # type: ignore[arg-type]


def alarm(condition: Condition, fired_at: float = NOW - 10) -> dict[Condition, Alarm]:
    return {condition: Alarm(id="a", condition=condition, subject="w1", first_at=fired_at, fired_at=fired_at)}


def kinds(entry: Entry, firing: dict[Condition, Alarm], list_as_of: float = math.inf) -> list[Kind]:
    return [one.kind for one in by_verdict(entry, firing, ASKED, THEN, list_as_of)]


def test_a_revoked_or_banned_worker_without_an_alarm_gets_one() -> None:
    assert kinds(entry_of(status="revoked"), {}) == [Kind.STATUS_CHANGED]
    assert kinds(entry_of(banned=True, status="banned"), {}) == [Kind.BANNED]
    assert kinds(entry_of(status="revoked"), alarm(Condition.REVOKED)) == []
    assert kinds(entry_of(), {}) == []


@pytest.mark.parametrize(
    ("condition", "kind"),
    [
        (Condition.BANNED, Kind.UNBANNED),
        (Condition.REVOKED, Kind.STATUS_CHANGED),
        (Condition.VANISHED, Kind.APPEARED),
    ],
)
def test_an_alarm_that_holds_no_more_ends_by_a_newer_answer_only(condition: Condition, kind: Kind) -> None:
    assert kinds(entry_of(), alarm(condition)) == [kind]
    assert kinds(entry_of(), alarm(condition, fired_at=NOW)) == []
    assert kinds(entry_of(), alarm(condition, fired_at=NOW + 3_600)) == []


def test_a_ban_does_not_end_before_the_ban_list_was_asked_too() -> None:
    assert kinds(entry_of(), alarm(Condition.BANNED), list_as_of=NOW - 20) == []
    assert kinds(entry_of(Ban("ban list", 1.0)), alarm(Condition.BANNED)) == []


def test_an_unknown_worker_ends_nothing_and_an_earlier_runs_verdict_neither() -> None:
    assert kinds(entry_of(known=False, status=None), alarm(Condition.VANISHED)) == []
    restored = entry_of()
    restored.restored = True
    assert kinds(restored, alarm(Condition.BANNED)) == []


def test_a_worker_on_the_ban_list_without_an_alarm_gets_one() -> None:
    entry = entry_of()
    assert not list(by_ban_list(entry, {}, THEN))
    entry.listed = BanListEntry(sha256="ab" * 32, reason="exfiltrates")
    (one,) = by_ban_list(entry, {}, THEN)
    assert (one.kind, one.detail, one.source) == (Kind.BANNED, "exfiltrates", "ban list")
    assert not list(by_ban_list(entry, alarm(Condition.BANNED), THEN))


def test_a_folder_that_is_compared_no_more_ends_its_alarm() -> None:
    entry = entry_of()
    assert [one.kind for one in by_drift(entry, alarm(Condition.DRIFTED), THEN)] == [Kind.NOT_COMPARED]
    entry.drift = DriftState.MATCH
    assert [one.kind for one in by_drift(entry, alarm(Condition.DRIFTED), THEN)] == [Kind.DRIFT_ENDED]
    entry.drift = DriftState.DRIFTED
    assert [one.kind for one in by_drift(entry, {}, THEN)] == [Kind.DRIFTED]
    assert not list(by_drift(entry, alarm(Condition.DRIFTED), THEN))
