"""Turns events into alarms: which ones start, which end, and which are the same alarm again."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from pyhall_tui.alarms.alarm import Alarm, Condition, What, alarm_id
from pyhall_tui.fleet.events import BANNED_OTHERWISE, Event, Kind

SHORTLY = 3_600.0
"""A condition that returns within this many seconds after its end continues the same streak."""
_SAME_TIME = 60.0
"""Seconds between two programs' events for the same change."""

_OPENS = {
    Kind.BANNED: Condition.BANNED,
    Kind.DRIFTED: Condition.DRIFTED,
    Kind.VANISHED: Condition.VANISHED,
    Kind.FLAPPING: Condition.FLAPPING,
    Kind.REGISTRY_LOST: Condition.REGISTRY_LOST,
    Kind.VERIFY_FAILING: Condition.VERIFY_FAILING,
    Kind.KEY_REJECTED: Condition.KEY_REJECTED,
    Kind.BAN_LIST_TRUNCATED: Condition.BAN_LIST_TRUNCATED,
    Kind.BAN_LIST_FAILING: Condition.BAN_LIST_FAILING,
    Kind.LOG_REWRITTEN: Condition.LOG_REWRITTEN,
    Kind.LOG_REPLACED: Condition.LOG_REPLACED,
    Kind.ACCOUNT_SUSPENDED: Condition.ACCOUNT_SUSPENDED,
    Kind.HALL_BANNED: Condition.HALL_BANNED,
}
_CLOSES = {
    Kind.UNBANNED: (Condition.BANNED,),
    Kind.DRIFT_ENDED: (Condition.DRIFTED,),
    Kind.NOT_COMPARED: (Condition.DRIFTED,),
    Kind.APPEARED: (Condition.VANISHED,),
    Kind.CALMED: (Condition.FLAPPING,),
    Kind.REGISTRY_REGAINED: (Condition.REGISTRY_LOST,),
    Kind.VERIFY_RECOVERED: (Condition.VERIFY_FAILING,),
    Kind.KEY_ACCEPTED: (Condition.KEY_REJECTED,),
    Kind.BAN_LIST_RECOVERED: (Condition.BAN_LIST_FAILING,),
    Kind.LOG_ACCEPTED: (Condition.LOG_REWRITTEN, Condition.LOG_REPLACED),
    Kind.ACCOUNT_RESTORED: (Condition.ACCOUNT_SUSPENDED,),
    Kind.HALL_UNBANNED: (Condition.HALL_BANNED,),
    Kind.REGISTRY_CHANGED: (Condition.ACCOUNT_SUSPENDED, Condition.HALL_BANNED),
    Kind.UNWATCHED: (
        *(Condition.BANNED, Condition.REVOKED, Condition.DRIFTED, Condition.VANISHED),
        Condition.FLAPPING,
    ),
}
_HAS_STATUS = (Kind.STATUS_CHANGED, Kind.APPEARED, Kind.UNBANNED)
"""Their `after` is the worker's status, or the state that follows from it."""
REVOKED = "revoked"
TRUNCATED = "truncated"


class Effect(NamedTuple):
    """An event starts or ends a condition."""

    condition: Condition
    opens: bool


class Folded(NamedTuple):
    """An alarm after an event, and what happened to it; None if it is the same alarm again."""

    alarm: Alarm
    what: What | None


def effects(event: Event) -> Iterator[Effect]:
    """Yield the conditions that an event starts or ends."""
    if (condition := _OPENS.get(event.kind)) is not None:
        yield Effect(condition, True)
    for condition in _CLOSES.get(event.kind, ()):
        yield Effect(condition, False)
    if event.kind is Kind.BAN_LIST_RECOVERED and event.after != TRUNCATED:
        yield Effect(Condition.BAN_LIST_TRUNCATED, False)
    if event.kind in _HAS_STATUS:
        yield Effect(Condition.REVOKED, event.after == REVOKED)


def opened(event: Event) -> list[Condition]:
    """Return the conditions that an event starts."""
    return [effect.condition for effect in effects(event) if effect.opens]


def fold(alarm: Alarm | None, event: Event, effect: Effect, profile: str, namespace: str) -> Folded | None:
    """Return the alarm after one effect of an event; None if nothing follows.

    A ban reported again, by another source or program, is the same alarm. A ban that was set again for another reason
    is a new firing, and so is one after the alarm's end.
    """
    if not effect.opens:
        return None if alarm is None or not alarm.is_firing else Folded(_resolved(alarm, event), What.RESOLVED)
    if alarm is None:
        new = Alarm(
            id=alarm_id(profile, effect.condition, event.worker_id or ""),
            condition=effect.condition,
            subject=event.worker_id or "",
            first_at=event.at,
            fired_at=event.at,
        )
        return Folded(_fired(new, event, namespace, times=1, streak=1), What.FIRED)
    if alarm.is_firing and not _is_another_ban(alarm, event):
        same = _same(alarm, event)
        return None if same == alarm else Folded(same, None)
    since_end = event.at - (alarm.resolved_at or event.at)
    streak = alarm.streak + 1 if 0 <= since_end <= SHORTLY else 1
    return Folded(_fired(alarm, event, namespace, times=alarm.times + 1, streak=streak), What.FIRED)


def is_told(alarm: Alarm, event: Event, effect: Effect) -> bool:
    """Whether an alarm stands so already as one effect of an event would have it, by an earlier event for the same."""
    if effect.opens:
        return alarm.is_firing and not _is_another_ban(alarm, event)
    return alarm.resolved_at is not None and abs(event.at - alarm.resolved_at) <= _SAME_TIME


def is_seen_with(alarm: Alarm, event: Event) -> bool:
    """Whether having seen the event means having seen this firing: not if it has fired again since."""
    return event.id >= alarm.event_id or abs(event.at - alarm.fired_at) <= _SAME_TIME


def _is_another_ban(alarm: Alarm, event: Event) -> bool:
    return event.before == BANNED_OTHERWISE and bool(event.detail) and event.detail != alarm.detail


def _fired(alarm: Alarm, event: Event, namespace: str, *, times: int, streak: int) -> Alarm:
    return Alarm(
        id=alarm.id,
        condition=alarm.condition,
        subject=alarm.subject,
        namespace=namespace or alarm.namespace,
        severity=event.severity,
        times=times,
        streak=streak,
        first_at=alarm.first_at,
        fired_at=event.at,
        event_id=event.id,
        before=event.before,
        source=event.source,
        detail=event.detail,
        correlation_id=event.correlation_id,
    )


def _same(alarm: Alarm, event: Event) -> Alarm:
    """Return the alarm with what a second report adds: a missing reason, and its earlier event."""
    earlier = event.id if abs(event.at - alarm.fired_at) <= _SAME_TIME else alarm.event_id
    return msgspec.structs.replace(
        alarm, detail=alarm.detail or event.detail, event_id=min(alarm.event_id, earlier or alarm.event_id)
    )


def _resolved(alarm: Alarm, event: Event) -> Alarm:
    return msgspec.structs.replace(alarm, resolved_at=event.at, resolved_by=event.source, resolved_event=event.id)
