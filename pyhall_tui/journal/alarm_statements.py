"""The statements that store alarms and silences. Each runs in the writer's transaction, in turn, so what two programs
record about one thing becomes one alarm. Every change is also a separate row, for programs that follow."""

import sqlite3
from collections.abc import Iterable
from typing import Any

import msgspec

from pyhall_tui.alarms.alarm import Alarm, Change, What, alarm_id
from pyhall_tui.alarms.book import change_by, unacknowledged
from pyhall_tui.alarms.fold import effects, fold, is_seen_with, opened
from pyhall_tui.alarms.silences import Silence
from pyhall_tui.fleet.events import Event, Severity
from pyhall_tui.journal import alarm_questions
from pyhall_tui.journal.rows import Seen

_SHORT = 1_024
_PUT = (
    f"INSERT OR REPLACE INTO alarms (profile, {', '.join(alarm_questions.COLUMNS)})"
    f" VALUES (?{',?' * len(alarm_questions.COLUMNS)})"
)
_SEEN_EARLIER = 1
"""In an event's column `acknowledged`: seen, but the act is unknown. Otherwise it is the act; 0 for not seen."""


def take_event(connection: sqlite3.Connection, profile: str, event: Event, namespace: str) -> int:
    """Fold an event into its alarms; return the act with which its content was seen before, 0 for none."""
    event = _as_kept(event)
    seen = 0
    for effect in effects(event):
        before = alarm_questions.alarm(connection, alarm_id(profile, effect.condition, event.worker_id or ""))
        folded = fold(before, event, effect, profile, namespace)
        after = folded.alarm if folded is not None else before
        if folded is not None:
            _put(connection, profile, folded.alarm)
            if folded.what is not None:
                tell(connection, profile, change_by(event, folded.alarm, folded.what))
        if effect.opens and after is not None and after.is_acknowledged:
            seen = after.act or _SEEN_EARLIER
    return seen


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
    kept = msgspec.structs.replace(silence, reason=_text(silence.reason), by=_text(silence.by))
    connection.execute(
        "INSERT OR IGNORE INTO silences (id, profile, worker, namespace, condition, began_at, until, reason, by,"
        " ended_at, ended_by) VALUES (?,?,?,?,?,?,?,?,?,NULL,'')",
        (
            kept.id,
            profile,
            _text(kept.worker),
            _text(kept.namespace),
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
        (at, _text(by), silence_id, profile),
    )
    if not done.rowcount:
        return False
    silence = alarm_questions.silence(connection, silence_id)
    tell(connection, profile, Change(what=What.UNSILENCED, at=at, by=by, silence=silence))
    return True


def _acknowledge(connection: sqlite3.Connection, profile: str, alarm: Alarm, seen: Seen) -> None:
    if not alarm.is_firing or alarm.is_acknowledged:
        return
    by, note = _text(seen.by), _text(seen.note)
    after = msgspec.structs.replace(alarm, acknowledged_at=seen.at, acknowledged_by=by, note=note, act=seen.act)
    _put(connection, profile, after)
    tell(connection, profile, Change(what=What.ACKNOWLEDGED, at=seen.at, by=by, alarm=after))


def _as_kept(event: Event) -> Event:
    """Return an event with its texts in storable form."""
    return msgspec.structs.replace(
        event,
        worker_id=None if event.worker_id is None else _plain(event.worker_id),
        before=_plain(event.before[:_SHORT]),
        after=_plain(event.after[:_SHORT]),
        source=_plain(event.source[:_SHORT]),
        correlation_id=_plain(event.correlation_id[:_SHORT]),
        detail=_text(event.detail),
    )


def _put(connection: sqlite3.Connection, profile: str, alarm: Alarm) -> None:
    connection.execute(_PUT, (profile, *map(_value, msgspec.structs.astuple(alarm))))


def tell(connection: sqlite3.Connection, profile: str, change: Change) -> None:
    """Store a change for those who follow."""
    connection.execute(
        "INSERT INTO alarm_changes (profile, id, body) VALUES (?,?,?)",
        (profile, change.id, msgspec.json.encode(change)),
    )


def _value(value: Any) -> Any:
    return _plain(value) if isinstance(value, str) else value


def _text(text: str) -> str:
    """Return a limited part of a text, without secrets and without anything that UTF-8 can't encode."""
    from pyhall_tui.logs.masking import mask  # imported at the first write, which is after the first frame

    return _plain(mask(text, _SHORT))


def _plain(text: str) -> str:
    return str(text) if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
