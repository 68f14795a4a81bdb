"""The statements that write, each a function of an open connection and plain values. All text is a parameter."""

import sqlite3
from collections.abc import Iterable, Sequence

import msgspec

from pyhall_tui.fleet.events import Event
from pyhall_tui.journal import alarm_statements, reader
from pyhall_tui.journal.batches import Values, insert
from pyhall_tui.journal.event_rows import write_events, written_again
from pyhall_tui.journal.last_verdict import LastVerdict
from pyhall_tui.journal.rows import DispatchRow, EnrollmentRow, Seen
from pyhall_tui.journal.stored_text import LONG, SHORT, masked, optional, raw, text

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
        write_events(connection, [written_again(profile, event, None)])


def dispatch(profile: str, row: DispatchRow) -> Values:
    """Return one dispatch for `insert_dispatches`."""
    return (
        row.id,
        profile,
        row.at,
        text(row.namespace),
        text(row.capability),
        text(row.worker_id),
        masked(row.context, LONG),
        text(row.outcome),
        optional(row.deny_code),
        optional(row.reason, 4 * SHORT),
        optional(row.decision_id),
        text(row.correlation_id),
        optional(row.correlation_back),
        row.status,
        row.elapsed_ms,
        masked(row.error, 4 * SHORT),
        row.may_have_reached,
        raw(row.request_raw),
        raw(row.response_raw),
        text(row.result),
    )


def insert_dispatches(connection: sqlite3.Connection, rows: Sequence[Values]) -> None:
    """Write dispatches."""
    insert(
        connection,
        "INSERT INTO dispatches (id, profile, at, namespace, capability, worker_id, context, outcome, deny_code,"
        " reason, decision_id, correlation_id, correlation_back, status, elapsed_ms, error, may_have_reached,"
        " request_raw, response_raw, result)",
        rows,
    )


def enrollment(profile: str, row: EnrollmentRow) -> Values:
    """Return the state of one row of a batch for `upsert_enrollments`."""
    return (
        profile,
        text(row.batch),
        text(row.row_key),
        row.state.value,
        row.at,
        row.at,
        optional(row.worker_id),
        masked(row.request, LONG),
        optional(row.answer, LONG),
        masked(row.error, 4 * SHORT),
        text(row.correlation_id),
    )


def upsert_enrollments(connection: sqlite3.Connection, rows: Sequence[Values]) -> None:
    """Write the states of rows of batches; the time of a row's first record stays."""
    insert(
        connection,
        "INSERT INTO enrollments (profile, batch, row_key, state, at, began_at, worker_id, request, answer, error,"
        " correlation_id)",
        rows,
        "ON CONFLICT (profile, batch, row_key) DO UPDATE SET state = excluded.state, at = excluded.at,"
        " worker_id = excluded.worker_id, request = excluded.request, answer = excluded.answer,"
        " error = excluded.error, correlation_id = excluded.correlation_id",
    )


def begin_verdicts(connection: sqlite3.Connection) -> None:
    """Give the verdicts of this transaction a number of their own: whoever follows them asks for greater ones."""
    connection.execute("UPDATE writes SET number = number + 1")


def verdict(profile: str, row: LastVerdict) -> Values:
    """Return a worker's last verdict for `upsert_verdicts`."""
    verdict = row.verdict
    return (
        profile,
        row.worker_id,
        row.rank,
        row.at,
        row.changed_at,
        text(verdict.correlation_id),
        msgspec.json.encode(msgspec.structs.replace(verdict, raw=b"")),
        None if row.banned_by is None else msgspec.json.encode(row.banned_by),
        raw(verdict.raw),
    )


def upsert_verdicts(connection: sqlite3.Connection, rows: Iterable[Values], now: float) -> None:
    """Write last verdicts, unless another program has written newer ones; see `begin_verdicts`.

    A stored time after `now` (seconds since the epoch) means that a clock was set back; it is overwritten.
    """
    (number,) = connection.execute("SELECT coalesce((SELECT number FROM writes), 0)").fetchone()
    insert(
        connection,
        "INSERT INTO verdicts (profile, worker_id, state_rank, at, changed_at, correlation_id, verdict, banned_by,"
        " raw, written)",
        [(*row, number) for row in rows],
        "ON CONFLICT (profile, worker_id) DO UPDATE SET state_rank = excluded.state_rank,"
        " at = excluded.at, changed_at = excluded.changed_at, correlation_id = excluded.correlation_id,"
        " verdict = excluded.verdict, banned_by = excluded.banned_by,"
        " raw = excluded.raw, written = excluded.written"
        f" WHERE excluded.at >= verdicts.at OR verdicts.at > {now + _AHEAD!r}",
    )


def delete_verdicts(connection: sqlite3.Connection, workers: Iterable[tuple[str, str]]) -> None:
    """Forget workers that are no longer watched: each a profile and an id."""
    connection.executemany("DELETE FROM verdicts WHERE profile = ? AND worker_id = ?", workers)
