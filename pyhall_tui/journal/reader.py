"""The questions that the journal answers, each a function of an open connection. Unreadable rows are left out."""

import sqlite3
from collections.abc import Collection, Iterable
from typing import Any

from pyhall_tui.fleet.events import Event, Kind, Severity
from pyhall_tui.journal import last_verdict
from pyhall_tui.journal.last_verdict import readable
from pyhall_tui.journal.rows import (
    BatchSummary,
    DispatchRow,
    EnrollmentRow,
    EnrollmentState,
    Touched,
)

_EVENT = (
    "SELECT id, kind, severity, at, worker_id, was, became, source, correlation_id, detail, times, acknowledged"
    " FROM events"
)
_DISPATCH = (
    "SELECT id, at, namespace, capability, worker_id, context, outcome, deny_code, reason, decision_id,"
    " correlation_id, correlation_back, status, elapsed_ms, error, may_have_reached, request_raw, response_raw,"
    " result FROM dispatches"
)
_ENROLLMENT = (
    "SELECT batch, row_key, state, at, worker_id, request, answer, error, correlation_id, began_at FROM enrollments"
)

_AT_ONCE = 500
"""Parameters in one question; SQLite allows 32,766, old versions 999."""


class _Where:
    """Conditions and their parameters, joined by AND. Conditions with the value None are left out."""

    def __init__(self) -> None:
        self._conditions: list[str] = []
        self.values: list[Any] = []

    def add(self, condition: str, *values: Any) -> None:
        if None not in values:
            self._conditions.append(condition)
            self.values += values

    def like(self, columns: str, text: str | None) -> None:
        """Add: one of the columns (separated by spaces) contains `text`, case-insensitive."""
        if text:
            escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            either = " OR ".join(f"{column} LIKE ? ESCAPE '\\'" for column in columns.split())
            self.add(f"({either})", *[f"%{escaped}%"] * len(columns.split()))

    def name(self, column: str, name: str | None) -> None:
        """Add: the column equals `name`, or matches it if it contains a `*`."""
        if name and "*" in name:
            # In GLOB, `?` and `[` are special too; here only the star is.
            self.add(f"{column} GLOB ?", name.replace("[", "[[]").replace("?", "[?]"))
        elif name:
            self.add(f"{column} = ?", name)

    def __str__(self) -> str:
        return " AND ".join(self._conditions) or "1"


def events(
    connection: sqlite3.Connection,
    profile: str,
    *,
    limit: int,
    before_id: int | None,
    severity: Severity | None,
    kind: Kind | Collection[Kind] | None,
    worker: str | None,
    text: str | None,
    unacknowledged: bool,
) -> list[Event]:
    """Return events, newest first."""
    where = _Where()
    where.add("profile = ?", profile)
    where.add("id < ?", before_id)
    where.add("severity >= ?", None if severity is None else int(severity))
    where.name("worker_id", worker)
    where.like("kind worker_id was became source correlation_id detail", text)
    if kind is not None:
        kinds = [kind] if isinstance(kind, Kind) else list(kind)
        where.add(f"kind IN ({','.join('?' * len(kinds))})", *(one.value for one in kinds))
    if unacknowledged:
        where.add("acknowledged = 0")
    return readable(
        _event, connection.execute(f"{_EVENT} WHERE {where} ORDER BY id DESC LIMIT ?", (*where.values, limit))
    )


def events_since(connection: sqlite3.Connection, profile: str, after_id: int, limit: int) -> list[Event]:
    """Return events after an id, oldest first."""
    return readable(
        _event,
        connection.execute(f"{_EVENT} WHERE profile = ? AND id > ? ORDER BY id LIMIT ?", (profile, after_id, limit)),
    )


def acknowledged_among(connection: sqlite3.Connection, ids: list[int]) -> list[Event]:
    """Return those of these events that were acknowledged."""
    found: list[Event] = []
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        marks = ",".join("?" * len(some))
        found += readable(_event, connection.execute(f"{_EVENT} WHERE acknowledged <> 0 AND id IN ({marks})", some))
    return found


def events_by_id(connection: sqlite3.Connection, ids: Iterable[int]) -> list[tuple[str, Event]]:
    """Return events by their ids, each with its profile; those that are not (any more) kept are left out."""
    found = []
    for event_id in ids:
        row = connection.execute(_EVENT.replace("SELECT", "SELECT profile,") + " WHERE id = ?", (event_id,)).fetchone()
        if row is not None:
            found += [(row[0], event) for event in readable(_event, [row[1:]])]
    return found


def newest_id(connection: sqlite3.Connection) -> int:
    """Return the highest id in use; 0 for none."""
    (newest,) = connection.execute(
        "SELECT max((SELECT coalesce(max(id), 0) FROM events), (SELECT coalesce(max(id), 0) FROM dispatches))"
    ).fetchone()
    return int(newest)


def newest_event(connection: sqlite3.Connection, profile: str) -> int:
    """Return the id of a profile's newest event; 0 if there is none."""
    (newest,) = connection.execute("SELECT coalesce(max(id), 0) FROM events WHERE profile = ?", (profile,)).fetchone()
    return int(newest)


def dispatches(
    connection: sqlite3.Connection,
    profile: str,
    *,
    limit: int,
    before_id: int | None,
    worker: str | None,
    capability: str | None,
    code: str | None,
    correlation_id: str | None,
    text: str | None,
) -> list[DispatchRow]:
    """Return dispatches, newest first."""
    where = _Where()
    where.add("profile = ?", profile)
    where.add("id < ?", before_id)
    where.name("worker_id", worker)
    where.name("capability", capability)
    where.name("deny_code", code)
    if correlation_id:
        where.add("(correlation_id = ? OR correlation_back = ?)", correlation_id, correlation_id)
    where.like(
        "namespace capability worker_id context outcome deny_code reason decision_id correlation_id"
        " correlation_back error",
        text,
    )
    return readable(
        _dispatch, connection.execute(f"{_DISPATCH} WHERE {where} ORDER BY id DESC LIMIT ?", (*where.values, limit))
    )


def dispatch(connection: sqlite3.Connection, row_id: int) -> DispatchRow | None:
    """Return one dispatch by its id."""
    rows = readable(_dispatch, connection.execute(f"{_DISPATCH} WHERE id = ?", (row_id,)))
    return rows[0] if rows else None


def enrollments(
    connection: sqlite3.Connection, profile: str, *, batch: str | None, row_key: str | None, limit: int
) -> list[EnrollmentRow]:
    """Return rows of batches in the order in which they started."""
    where = _Where()
    where.add("profile = ?", profile)
    where.add("batch = ?", batch)
    where.add("row_key = ?", row_key)
    return readable(
        _enrollment,
        connection.execute(f"{_ENROLLMENT} WHERE {where} ORDER BY began_at, rowid LIMIT ?", (*where.values, limit)),
    )


def enrollments_of_batches(connection: sqlite3.Connection, form: str) -> list[EnrollmentRow]:
    """Return what is known about every row of every batch of all profiles, except for the batch named `form`.

    A row that can't be read is not left out, because it may have been sent: its outcome is unknown.
    """
    rows: list[EnrollmentRow] = []
    for row in connection.execute(f"{_ENROLLMENT} WHERE batch <> ? ORDER BY began_at, rowid", (form,)):
        try:
            rows.append(_enrollment(row))
        except (ValueError, TypeError):
            batch, row_key = map(str, row[:2])
            error = "The journal's record of it can't be read."
            unknown = EnrollmentState.UNKNOWN
            rows.append(EnrollmentRow(batch=batch, row_key=row_key, state=unknown, at=0.0, error=error))
    return rows


def batches(connection: sqlite3.Connection, profile: str) -> list[BatchSummary]:
    """Return the batches of one profile, newest first."""
    found: dict[str, BatchSummary] = {}
    for batch, state, began, last, count in connection.execute(
        "SELECT batch, state, min(began_at), max(at), count(*) FROM enrollments WHERE profile = ?"
        " GROUP BY batch, state",
        (profile,),
    ):
        known = found.get(batch, BatchSummary(batch, began, last, {}))
        known.states[EnrollmentState(state)] = count
        found[batch] = known._replace(began_at=min(known.began_at, began), last_at=max(known.last_at, last))
    return sorted(found.values(), key=lambda summary: summary.last_at, reverse=True)


def touched(connection: sqlite3.Connection, correlation_id: str) -> Touched:
    """Return everything that one correlation id touched, in all profiles."""
    one = (correlation_id,)
    return Touched(
        readable(
            _event,
            connection.execute(
                f"{_EVENT} WHERE correlation_id = ? UNION {_EVENT} WHERE earlier_ids <> ''"
                " AND instr(earlier_ids, char(10) || ? || char(10)) > 0 ORDER BY id",
                one * 2,
            ),
        ),
        readable(
            _dispatch,
            connection.execute(f"{_DISPATCH} WHERE correlation_id = ? OR correlation_back = ? ORDER BY id", one * 2),
        ),
        readable(_enrollment, connection.execute(f"{_ENROLLMENT} WHERE correlation_id = ? ORDER BY at", one)),
        last_verdict.touched_by(connection, correlation_id),
    )


def _event(row: tuple[Any, ...]) -> Event:
    row_id, kind, severity, at, worker, before, after, source, correlation, detail, count, acknowledged = row
    return Event(
        kind=Kind(kind),
        severity=Severity(severity),
        at=at,
        worker_id=worker,
        before=before,
        after=after,
        source=source,
        correlation_id=correlation,
        detail=detail,
        count=count,
        acknowledged=bool(acknowledged),
        id=row_id,
    )


def _dispatch(row: tuple[Any, ...]) -> DispatchRow:
    values = dict(zip(_columns(_DISPATCH), row, strict=True))
    return DispatchRow(**{**values, "may_have_reached": bool(values["may_have_reached"])})


def _enrollment(row: tuple[Any, ...]) -> EnrollmentRow:
    values = dict(zip(_columns(_ENROLLMENT), row, strict=True))
    return EnrollmentRow(**{**values, "state": EnrollmentState(values["state"])})


def _columns(select: str) -> list[str]:
    """Return the names in a SELECT of plain columns, which are the fields' names."""
    return select.removeprefix("SELECT ").partition(" FROM ")[0].split(", ")
