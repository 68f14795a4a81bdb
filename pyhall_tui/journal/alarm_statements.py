"""The statements that store alarms and silences. Each runs in the writer's transaction, in turn, so what two programs
record about one thing becomes one alarm. Every change is also a separate row, for programs that follow."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from pyhall_tui.alarms.alarm import Alarm, Change, What, alarm_id
from pyhall_tui.alarms.book import change_by, unacknowledged
from pyhall_tui.alarms.fold import Effect, effects, fold, is_seen_with, opened
from pyhall_tui.alarms.silences import Silence
from pyhall_tui.fleet.events import Event, Severity
from pyhall_tui.journal import alarm_questions
from pyhall_tui.journal.batches import Values, insert
from pyhall_tui.journal.rows import Seen
from pyhall_tui.journal.stored_text import SHORT, encodable, masked

_PUT = f"INSERT OR REPLACE INTO alarms (profile, {', '.join(alarm_questions.COLUMNS)})"
_CONDITION = alarm_questions.FIELDS.index("condition")
_TELL = "INSERT INTO alarm_changes (profile, id, body)"
_SEEN_EARLIER = 1
"""In an event's column `acknowledged`: seen, but the act is unknown. Otherwise it is the act; 0 for not seen."""


class Cause(NamedTuple):
    """An event with what it may do to alarms, as far as that is known without the file."""

    profile: str
    event: Event
    """With its texts in storable form."""
    namespace: str
    effects: tuple[tuple[str, Effect], ...]
    """Each with the alarm's id."""


def cause(profile: str, event: Event, namespace: str) -> Cause:
    """Return an event as `take_events` needs it."""
    kept = _as_kept(event)
    about = ((alarm_id(profile, effect.condition, kept.worker_id or ""), effect) for effect in effects(kept))
    return Cause(profile, kept, encodable(namespace), tuple(about))


def take_events(connection: sqlite3.Connection, causes: Sequence[Cause]) -> list[int]:
    """Fold events into their alarms, in order; return the act with which each was seen before, 0 for none."""
    ids = {one for each in causes for one, _ in each.effects}
    known = {alarm.id: alarm for alarm in alarm_questions.alarms_by_id(connection, ids)}
    changed: dict[str, tuple[str, Alarm]] = {}
    changes: list[tuple[str, Change]] = []
    acts = []
    for profile, event, namespace, about in causes:
        seen = 0
        for one, effect in about:
            after = known.get(one)
            if (folded := fold(after, event, effect, profile, namespace)) is not None:
                known[one] = after = folded.alarm
                changed[one] = profile, after
                if folded.what is not None:
                    changes.append((profile, change_by(event, after, folded.what)))
            if effect.opens and after is not None and after.is_acknowledged:
                seen = after.act or _SEEN_EARLIER
        acts.append(seen)
    insert(connection, _PUT, [_values(profile, alarm) for profile, alarm in changed.values()])
    insert(connection, _TELL, [_change(profile, change) for profile, change in changes])
    return acts


def acknowledge_with(connection: sqlite3.Connection, events: Iterable[tuple[str, Event]], seen: Seen) -> None:
    """Acknowledge the alarms that these events (each with its profile) started, unless they have fired again since."""
    for profile, event in events:
        for condition in opened(event):
            alarm = alarm_questions.alarm(connection, alarm_id(profile, condition, event.worker_id or ""))
            if alarm is not None and is_seen_with(alarm, event):
                _acknowledge(connection, profile, alarm, seen)


def acknowledge_up_to(
    connection: sqlite3.Connection, profile: str, up_to_id: int, seen: Seen, known: frozenset[str] | None = None
) -> list[int]:
    """Acknowledge all alarms of a profile that fired with an event up to that one, or those of them that are known.

    Returns:
        The events of the others: another program has just recorded them, perhaps by a clock that is behind.
    """
    unknown = []
    for alarm in alarm_questions.firing(connection, profile):
        if alarm.event_id > up_to_id:
            continue
        if known is None or alarm.id in known:
            _acknowledge(connection, profile, alarm, seen)
        elif not alarm.is_acknowledged:
            unknown.append(alarm.event_id)
    return unknown


def acknowledge_firings(
    connection: sqlite3.Connection, profile: str, firings: Iterable[tuple[str, int]], seen: Seen
) -> None:
    """Acknowledge alarms by id if that firing is still current; their events count as seen too."""
    for one, times in firings:
        alarm = alarm_questions.alarm(connection, one)
        if alarm is None or alarm.times != times:
            continue
        _acknowledge(connection, profile, alarm, seen)
        connection.execute(
            "UPDATE events SET acknowledged = ? WHERE profile = ? AND coalesce(worker_id, '') = ? AND id >= ?"
            " AND kind = (SELECT kind FROM events WHERE id = ?) AND acknowledged = 0",
            (seen.act, profile, alarm.subject, alarm.event_id, alarm.event_id),
        )


def unacknowledge(connection: sqlite3.Connection, profile: str, act: int, at: float, by: str) -> None:
    """Undo one act, except for alarms that have changed since."""
    connection.execute("UPDATE events SET acknowledged = 0 WHERE profile = ? AND acknowledged = ?", (profile, act))
    for alarm in alarm_questions.acknowledged_by(connection, profile, act):
        open_again = unacknowledged(alarm)
        _put(connection, profile, open_again)
        tell(connection, profile, Change(what=What.UNACKNOWLEDGED, at=at, by=by, alarm=open_again))


def set_severity(connection: sqlite3.Connection, profile: str, ids: Iterable[str], severity: Severity) -> None:
    """Change the severity of firing alarms. Followers see the same firing again, which calls nobody."""
    for one in ids:
        alarm = alarm_questions.alarm(connection, one)
        if alarm is not None and alarm.is_firing:
            after = msgspec.structs.replace(alarm, severity=severity)
            _put(connection, profile, after)
            tell(connection, profile, Change(what=What.FIRED, at=alarm.fired_at, alarm=after, quiet=True))


def begin_silence(connection: sqlite3.Connection, profile: str, silence: Silence) -> None:
    """Store a new silence."""
    kept = msgspec.structs.replace(silence, reason=masked(silence.reason), by=masked(silence.by))
    connection.execute(
        "INSERT OR IGNORE INTO silences (id, profile, worker, namespace, condition, began_at, until, reason, by,"
        " ended_at, ended_by) VALUES (?,?,?,?,?,?,?,?,?,NULL,'')",
        (
            kept.id,
            profile,
            masked(kept.worker),
            masked(kept.namespace),
            kept.condition,
            kept.began_at,
            kept.until,
            kept.reason,
            kept.by,
        ),
    )
    tell(connection, profile, Change(what=What.SILENCED, at=kept.began_at, by=kept.by, silence=kept))


def end_silence(connection: sqlite3.Connection, profile: str, silence_id: str, at: float, by: str) -> bool:
    """End a silence; return whether it was still active: only one of several programs ends it."""
    done = connection.execute(
        "UPDATE silences SET ended_at = ?, ended_by = ? WHERE id = ? AND profile = ? AND ended_at IS NULL",
        (at, masked(by), silence_id, profile),
    )
    if not done.rowcount:
        return False
    silence = alarm_questions.silence(connection, silence_id)
    tell(connection, profile, Change(what=What.UNSILENCED, at=at, by=by, silence=silence))
    return True


def _acknowledge(connection: sqlite3.Connection, profile: str, alarm: Alarm, seen: Seen) -> None:
    if not alarm.is_firing or alarm.is_acknowledged:
        return
    by, note = masked(seen.by), masked(seen.note)
    after = msgspec.structs.replace(alarm, acknowledged_at=seen.at, acknowledged_by=by, note=note, act=seen.act)
    _put(connection, profile, after)
    tell(connection, profile, Change(what=What.ACKNOWLEDGED, at=seen.at, by=by, alarm=after))


def _as_kept(event: Event) -> Event:
    """Return an event with its texts in storable form."""
    return msgspec.structs.replace(
        event,
        worker_id=None if event.worker_id is None else encodable(event.worker_id),
        before=encodable(event.before[:SHORT]),
        after=encodable(event.after[:SHORT]),
        source=encodable(event.source[:SHORT]),
        correlation_id=encodable(event.correlation_id[:SHORT]),
        detail=masked(event.detail),
    )


def _put(connection: sqlite3.Connection, profile: str, alarm: Alarm) -> None:
    insert(connection, _PUT, [_values(profile, alarm)])


def _values(profile: str, alarm: Alarm) -> Values:
    """Return an alarm's row. Its texts are in storable form: they come from the file, or from a `Cause`."""
    values = list(msgspec.structs.astuple(alarm))
    values[_CONDITION] = alarm.condition.value
    return (profile, *values)


def tell(connection: sqlite3.Connection, profile: str, change: Change) -> None:
    """Store a change for those who follow."""
    insert(connection, _TELL, [_change(profile, change)])


def _change(profile: str, change: Change) -> Values:
    return profile, change.id, msgspec.json.encode(change)
