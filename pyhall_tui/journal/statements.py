"""The statements that write, each a function of an open connection and plain values. All text is a parameter."""

import sqlite3
from collections.abc import Iterable

import msgspec

from pyhall_tui.fleet.events import Event
from pyhall_tui.journal import alarm_statements, reader
from pyhall_tui.journal.last_verdict import LastVerdict
from pyhall_tui.journal.rows import RAW_LIMIT, DispatchRow, EnrollmentRow, Seen

_SHORT = 1_024
_LONG = 65_536
_EARLIER = 50
"""This many correlation ids of folded events are stored with their row."""
_TWINS = 60.0
"""Seconds within which two programs may record the same event."""
_ACKNOWLEDGE_TWINS = (
    "UPDATE events SET acknowledged = ? WHERE acknowledged = 0 AND EXISTS (SELECT 1 FROM events AS one"
    " WHERE one.profile = events.profile AND one.worker_id IS events.worker_id AND one.acknowledged <> 0"
    " AND one.kind = events.kind AND one.became = events.became AND one.detail = events.detail"
    f" AND abs(one.at - events.at) <= {_TWINS:g} AND (one.id & 4095) <> (events.id & 4095)"
)
"""The low 12 bits of an id are the program's (see `journal._Ids`)."""
_AHEAD = 60.0
"""A stored time this many seconds or more in the future counts as a wrong clock."""


def record_event(
    connection: sqlite3.Connection, profile: str, event: Event, came: Event, replaced_id: int | None, namespace: str
) -> None:
    """Write one event and what follows for its alarms. `came` is only the event, if it was folded into an earlier row.

    If somebody has acknowledged what it reports, it is not news: another program was faster.
    """
    seen = alarm_statements.take_event(connection, profile, msgspec.structs.replace(came, id=event.id), namespace)
    insert_event(connection, profile, event, replaced_id, seen=seen)


def insert_event(
    connection: sqlite3.Connection, profile: str, event: Event, replaced_id: int | None, *, seen: int = 0
) -> None:
    """Write one event, replacing the row that was folded into it, if any. `seen`: the act, 0 for none."""
    earlier = _fold_away(connection, replaced_id) if replaced_id is not None else []
    connection.execute(
        "INSERT INTO events (id, profile, kind, severity, at, worker_id, was, became, source, correlation_id,"
        " earlier_ids, detail, times, acknowledged) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            event.id,
            profile,
            event.kind.value,
            int(event.severity),
            event.at,
            _optional(event.worker_id),
            _text(event.before),
            _text(event.after),
            _text(event.source),
            _text(event.correlation_id),
            f"\n{chr(10).join(earlier)}\n" if earlier else "",
            _masked(event.detail),
            event.count,
            seen or int(event.acknowledged),
        ),
    )


def _fold_away(connection: sqlite3.Connection, event_id: int) -> list[str]:
    """Delete a row and return the correlation ids that it carried, newest last."""
    row = connection.execute("SELECT earlier_ids, correlation_id FROM events WHERE id = ?", (event_id,)).fetchone()
    if row is None:
        return []
    connection.execute("DELETE FROM events WHERE id = ?", (event_id,))
    return [part for part in (*row[0].split("\n"), row[1]) if part][-_EARLIER:]


def acknowledge(connection: sqlite3.Connection, ids: Iterable[int], seen: Seen) -> None:
    """Mark these events as seen with their alarms, and what another program has recorded of the same just then."""
    events = [(seen.act, event_id) for event_id in ids]
    connection.executemany("UPDATE events SET acknowledged = ? WHERE id = ? AND acknowledged = 0", events)
    connection.executemany(f"{_ACKNOWLEDGE_TWINS} AND one.id = ?)", events)
    found = reader.events_by_id(connection, [event_id for _, event_id in events])
    alarm_statements.acknowledge_with(connection, found, seen)


def acknowledge_all(
    connection: sqlite3.Connection, profile: str, up_to_id: int, seen: Seen, known: frozenset[str] | None = None
) -> None:
    """Mark all of one profile up to an id as seen; later ones stay open, and so do alarms that are not `known`.

    The exception is the same event recorded by another program at the same time: that is not news.
    """
    unknown = alarm_statements.acknowledge_up_to(connection, profile, up_to_id, seen, known)
    connection.execute(
        "UPDATE events SET acknowledged = ? WHERE profile = ? AND acknowledged = 0 AND id <= ?",
        (seen.act, profile, up_to_id),
    )
    connection.execute(f"{_ACKNOWLEDGE_TWINS} AND one.id <= ?) AND profile = ?", (seen.act, up_to_id, profile))
    connection.executemany(
        "UPDATE events SET acknowledged = 0 WHERE id = ? AND acknowledged = ?", [(each, seen.act) for each in unknown]
    )


def end_silence(connection: sqlite3.Connection, profile: str, silence_id: str, by: str, event: Event) -> None:
    """End a silence, and record that it ended: once, though several programs see its time come."""
    if alarm_statements.end_silence(connection, profile, silence_id, event.at, by):
        insert_event(connection, profile, event, None)


def insert_dispatch(connection: sqlite3.Connection, profile: str, row: DispatchRow) -> None:
    """Write one dispatch."""
    connection.execute(
        "INSERT INTO dispatches (id, profile, at, namespace, capability, worker_id, context, outcome, deny_code,"
        " reason, decision_id, correlation_id, correlation_back, status, elapsed_ms, error, may_have_reached,"
        " request_raw, response_raw, result) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            row.id,
            profile,
            row.at,
            _text(row.namespace),
            _text(row.capability),
            _text(row.worker_id),
            _masked(row.context, _LONG),
            _text(row.outcome),
            _optional(row.deny_code),
            _optional(row.reason, 4 * _SHORT),
            _optional(row.decision_id),
            _text(row.correlation_id),
            _optional(row.correlation_back),
            row.status,
            row.elapsed_ms,
            _masked(row.error, 4 * _SHORT),
            row.may_have_reached,
            _raw(row.request_raw),
            _raw(row.response_raw),
            _text(row.result),
        ),
    )


def upsert_enrollment(connection: sqlite3.Connection, profile: str, row: EnrollmentRow) -> None:
    """Write the state of one row of a batch; the time of its first record stays."""
    connection.execute(
        "INSERT INTO enrollments (profile, batch, row_key, state, at, began_at, worker_id, request, answer, error,"
        " correlation_id) VALUES (?,?,?,?,?,?,?,?,?,?,?)"
        " ON CONFLICT (profile, batch, row_key) DO UPDATE SET state = excluded.state, at = excluded.at,"
        " worker_id = excluded.worker_id, request = excluded.request, answer = excluded.answer,"
        " error = excluded.error, correlation_id = excluded.correlation_id",
        (
            profile,
            _text(row.batch),
            _text(row.row_key),
            row.state.value,
            row.at,
            row.at,
            _optional(row.worker_id),
            _masked(row.request, _LONG),
            _optional(row.answer, _LONG),
            _masked(row.error, 4 * _SHORT),
            _text(row.correlation_id),
        ),
    )


def begin_verdicts(connection: sqlite3.Connection) -> None:
    """Give the verdicts of this transaction a number of their own: whoever follows them asks for greater ones."""
    connection.execute("UPDATE writes SET number = number + 1")


def upsert_verdict(connection: sqlite3.Connection, profile: str, row: LastVerdict, now: float) -> None:
    """Write a worker's last verdict, unless another program has written a newer one; see `begin_verdicts`.

    A stored time after `now` (seconds since the epoch) means that a clock was set back; it is overwritten.
    """
    verdict = row.verdict
    connection.execute(
        "INSERT INTO verdicts (profile, worker_id, state_rank, at, changed_at, correlation_id, verdict, banned_by,"
        " raw, written) VALUES (?,?,?,?,?,?,?,?,?, coalesce((SELECT number FROM writes), 0))"
        " ON CONFLICT (profile, worker_id) DO UPDATE SET state_rank = excluded.state_rank,"
        " at = excluded.at, changed_at = excluded.changed_at, correlation_id = excluded.correlation_id,"
        " verdict = excluded.verdict, banned_by = excluded.banned_by,"
        " raw = excluded.raw, written = excluded.written"
        " WHERE excluded.at >= verdicts.at OR verdicts.at > ?",
        (
            profile,
            row.worker_id,
            row.rank,
            row.at,
            row.changed_at,
            _text(verdict.correlation_id),
            msgspec.json.encode(msgspec.structs.replace(verdict, raw=b"")),
            None if row.banned_by is None else msgspec.json.encode(row.banned_by),
            _raw(verdict.raw),
            now + _AHEAD,
        ),
    )


def delete_verdict(connection: sqlite3.Connection, profile: str, worker_id: str) -> None:
    """Forget a worker that is no longer watched."""
    connection.execute("DELETE FROM verdicts WHERE profile = ? AND worker_id = ?", (profile, worker_id))


def _text(text: str | None, most: int = _SHORT) -> str:
    """Return at most that many characters, without any that UTF-8 can't encode (a lone surrogate from an argument)."""
    return _encodable((text or "")[:most])


def _masked(text: str, most: int = _SHORT) -> str:
    """Return the beginning of a text, without a secret or the half of one that the cut would leave."""
    from pyhall_tui.logs.masking import mask  # with the first write, which is after the first frame

    return _encodable(mask(text, most)) if text else ""


def _encodable(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _optional(text: str | None, most: int = _SHORT) -> str | None:
    return None if text is None else _masked(text, most)


def _raw(raw: bytes) -> bytes:
    from pyhall_tui.logs.masking import mask

    return mask(raw.decode("utf-8", "surrogateescape"), RAW_LIMIT).encode("utf-8", "surrogateescape")
