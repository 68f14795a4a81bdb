"""From events to alarms: one alarm for each thing that is wrong, however often and by whomever it is reported."""

import pytest

from pyhall_tui.alarms.alarm import Alarm, Condition, What
from pyhall_tui.alarms.fold import SHORTLY, Folded, effects, fold
from pyhall_tui.fleet.events import BANNED_OTHERWISE, Event, Kind, Severity
from pyhall_tui.fleet.transitions import make_event
from tests.journal.makers import NOW, event

BAN = event(Kind.BANNED, "w1", detail="exfiltrates", id=10, source="verify")
LIFT = event(Kind.UNBANNED, "w1", before="BANNED", after="clean", severity=Severity.NOTICE, id=20, at=NOW + 60)


def folded(alarm: Alarm | None, one: Event, condition: Condition = Condition.BANNED) -> Folded:
    """Return the alarm after the event's effect on that condition; unchanged if nothing follows."""
    effect = next(effect for effect in effects(one) if effect.condition is condition)
    after = fold(alarm, one, effect, "prod", "org.acme")
    if after is None:
        assert alarm is not None
        return Folded(alarm, None)
    return after


def after(*events: Event) -> Alarm:
    alarm = None
    for one in events:
        alarm = folded(alarm, one).alarm
    assert alarm is not None
    return alarm


@pytest.mark.parametrize(
    ("kind", "before", "now", "opens", "closes"),
    [
        (Kind.BANNED, "clean", "BANNED", ["banned"], []),
        (Kind.UNBANNED, "BANNED", "clean", [], ["banned", "revoked"]),
        (Kind.UNBANNED, "BANNED", "revoked", ["revoked"], ["banned"]),
        (Kind.STATUS_CHANGED, "active", "revoked", ["revoked"], []),
        (Kind.STATUS_CHANGED, "revoked", "active", [], ["revoked"]),
        (Kind.VANISHED, "active", "unknown", ["vanished"], []),
        (Kind.APPEARED, "unknown", "active", [], ["vanished", "revoked"]),
        (Kind.APPEARED, "unknown", "revoked", ["revoked"], ["vanished"]),
        (Kind.DRIFTED, "match", "drifted", ["drifted"], []),
        (Kind.DRIFT_ENDED, "drifted", "match", [], ["drifted"]),
        (Kind.NOT_COMPARED, "drifted", "not compared", [], ["drifted"]),
        (Kind.REGISTRY_LOST, "live", "lost", ["registry lost"], []),
        (Kind.REGISTRY_REGAINED, "lost", "live", [], ["registry lost"]),
        (Kind.VERIFY_FAILING, "live", "verify failing", ["verify failing"], []),
        (Kind.KEY_REJECTED, "live", "key rejected", ["key rejected"], []),
        (Kind.BAN_LIST_FAILING, "live", "failing", ["ban list failing"], []),
        (Kind.BAN_LIST_TRUNCATED, "live", "truncated", ["ban list truncated"], []),
        (Kind.BAN_LIST_RECOVERED, "failing", "live", [], ["ban list failing", "ban list truncated"]),
        (Kind.BAN_LIST_RECOVERED, "failing", "truncated", [], ["ban list failing"]),
        (Kind.ACCOUNT_SUSPENDED, "", "account suspended", ["account suspended"], []),
        (Kind.ACCOUNT_RESTORED, "account suspended", "account ok", [], ["account suspended"]),
        (Kind.HALL_BANNED, "", "its own code banned", ["hall banned"], []),
        (Kind.HALL_UNBANNED, "its own code banned", "", [], ["hall banned"]),
        (Kind.FLAPPING, "", "flapping", ["flapping"], []),
        (Kind.CALMED, "flapping", "calm", [], ["flapping"]),
        (Kind.UNWATCHED, "", "", [], ["banned", "revoked", "drifted", "vanished", "flapping"]),
        (Kind.ATTESTED, "unattested", "attested", [], []),
        (Kind.HASH_REPORTED, "", "", [], []),
    ],
)
def test_each_kind_of_event_begins_and_ends_what_it_says(
    kind: Kind, before: str, now: str, opens: list[str], closes: list[str]
) -> None:
    one = make_event(kind, NOW, "w1", before, now, source="verify")
    found = list(effects(one))
    assert [effect.condition for effect in found if effect.opens] == opens
    assert [effect.condition for effect in found if not effect.opens] == closes


def test_a_ban_fires_with_who_said_so_and_why() -> None:
    alarm, what = folded(None, BAN)
    assert what is What.FIRED
    assert (alarm.subject, alarm.detail, alarm.source, alarm.times) == ("w1", "exfiltrates", "verify", 1)
    assert alarm.is_firing and not alarm.is_acknowledged


def test_the_same_ban_by_another_source_is_the_same_alarm() -> None:
    """F56: it stays acknowledged, whichever program records it when."""
    alarm = after(BAN)
    for later in (1, 30, 86_400):
        again = event(Kind.BANNED, "w1", at=NOW + later, source="ban list", detail="another wording", id=11 + later)
        assert folded(alarm, again) == Folded(alarm, None)


def test_an_earlier_event_for_the_same_firing_is_remembered_and_a_missing_reason_taken() -> None:
    alarm = after(event(Kind.BANNED, "w1", id=10))
    same, what = folded(alarm, event(Kind.BANNED, "w1", id=8, at=NOW - 2, detail="mines coins"))
    assert what is None
    assert (same.event_id, same.detail, same.times, same.id) == (8, "mines coins", 1, alarm.id)


def test_a_ban_set_again_for_another_reason_is_a_new_firing_with_that_reason() -> None:
    """F57: once; the other program's report is not a third one."""
    otherwise = event(Kind.BANNED, "w1", before=BANNED_OTHERWISE, detail="mines coins", id=30, at=NOW + 30)
    alarm, what = folded(after(BAN), otherwise)
    assert what is What.FIRED
    assert (alarm.times, alarm.detail, alarm.is_acknowledged) == (2, "mines coins", False)
    assert folded(alarm, event(Kind.BANNED, "w1", before=BANNED_OTHERWISE, detail="mines coins", id=33)).what is None


def test_its_end_says_when_and_by_whom() -> None:
    alarm, what = folded(after(BAN), LIFT)
    assert what is What.RESOLVED
    assert (alarm.resolved_at, alarm.resolved_by, alarm.resolved_event) == (NOW + 60, "verify", 20)
    assert folded(alarm, LIFT).what is None


def test_a_ban_lifted_and_set_again_is_a_new_firing_of_the_same_alarm() -> None:
    alarm = after(BAN, LIFT, event(Kind.BANNED, "w1", at=NOW + 70, id=30))
    assert (alarm.id, alarm.times, alarm.streak, alarm.first_at) == (after(BAN).id, 2, 2, NOW)
    assert alarm.is_firing and alarm.resolved_at is None


@pytest.mark.parametrize("later", [SHORTLY + 100, -1_000])
def test_one_long_after_or_before_a_clock_was_set_back_fires_but_is_not_a_streak(later: float) -> None:
    alarm = after(BAN, LIFT, event(Kind.BANNED, "w1", at=NOW + 60 + later, id=30))
    assert (alarm.is_firing, alarm.times, alarm.streak) == (True, 2, 1)


def test_an_end_without_a_beginning_is_nothing() -> None:
    effect = next(iter(effects(LIFT)))
    assert fold(None, LIFT, effect, "prod", "") is None
