"""What is kept for how long. The file stays within its limits without maintenance."""

import sqlite3

import msgspec

from pyhall_tui.journal.turns import begin

DAY = 86_400.0
DAYS_OF_USE = 7


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """The limits: by age in days and by count over all profiles, whichever is reached first.

    The last `DAYS_OF_USE` days on which anything was recorded are never removed by age, so one day with a clock that is
    months ahead doesn't delete everything.
    """

    days: float = 90.0
    events: int = 50_000
    dispatches: int = 20_000
    raw_exchanges: int = 2_000
    """Dispatches that keep their raw request and answer."""
    enrollment_days: float = 400.0
    """Longer than the rest: what is known about a batch prevents sending anything twice."""
    enrollments: int = 100_000
    """Beyond this, whole batches lose their requests and answers and the rows that were never sent, oldest batch first;
    the newest batch stays as it is. That a row was sent is never forgotten, because it could be sent twice."""
    verdicts: int = 100_000
    alarms: int = 50_000
    """Alarms that are over; what fires is never forgotten."""
    alarm_changes: int = 20_000


def tidy(connection: sqlite3.Connection, retention: Retention, now: float) -> None:
    """Delete what is beyond the limits and return its space to the file system. `now`: seconds since the epoch.

    Raises:
        sqlite3.Error: as any write.
    """
    begin(connection)
    for table, most in (("events", retention.events), ("dispatches", retention.dispatches)):
        connection.execute(
            f"DELETE FROM {table} WHERE at < ? OR id <= (SELECT id FROM {table} ORDER BY id DESC LIMIT 1 OFFSET ?)",
            (_oldest_kept(connection, table, now - retention.days * DAY), most),
        )
    connection.execute(
        "UPDATE dispatches SET request_raw = x'', response_raw = x''"
        " WHERE id <= (SELECT id FROM dispatches ORDER BY id DESC LIMIT 1 OFFSET ?)"
        " AND (request_raw <> x'' OR response_raw <> x'')",
        (retention.raw_exchanges,),
    )
    connection.execute(
        "DELETE FROM verdicts WHERE at < ? OR rowid IN (SELECT rowid FROM verdicts ORDER BY at DESC LIMIT -1 OFFSET ?)",
        (_oldest_kept(connection, "verdicts", now - retention.days * DAY), retention.verdicts),
    )
    _tidy_enrollments(connection, retention, now)
    _tidy_alarms(connection, retention, now)
    connection.execute("COMMIT")
    # It yields an empty row for each freed page; `execute` would stop after the first.
    connection.executescript("PRAGMA incremental_vacuum")


def _tidy_alarms(connection: sqlite3.Connection, retention: Retention, now: float) -> None:
    before = now - retention.days * DAY
    connection.execute(
        "DELETE FROM alarms WHERE resolved_at IS NOT NULL AND (resolved_at < ? OR id IN (SELECT id FROM alarms"
        " WHERE resolved_at IS NOT NULL ORDER BY resolved_at DESC LIMIT -1 OFFSET ?))",
        (before, retention.alarms),
    )
    connection.execute("DELETE FROM silences WHERE ended_at < ?", (before,))
    connection.execute(
        "DELETE FROM alarm_changes WHERE seq <= (SELECT seq FROM alarm_changes ORDER BY seq DESC LIMIT 1 OFFSET ?)",
        (retention.alarm_changes,),
    )


def _tidy_enrollments(connection: sqlite3.Connection, retention: Retention, now: float) -> None:
    beyond = (
        "WITH ages AS (SELECT profile, batch, max(at) AS last, count(*) AS size FROM enrollments"
        " GROUP BY profile, batch),"
        " sums AS (SELECT *, sum(size) OVER (ORDER BY last DESC, batch, profile) AS total FROM ages),"
        " beyond AS (SELECT profile, batch FROM sums WHERE last < ? OR (total > ? AND total > size))"
    )
    values = (_oldest_kept(connection, "enrollments", now - retention.enrollment_days * DAY), retention.enrollments)
    connection.execute(
        f"{beyond} DELETE FROM enrollments WHERE state IN ('checked', 'refused')"
        " AND (profile, batch) IN (SELECT profile, batch FROM beyond)",
        values,
    )
    connection.execute(
        f"{beyond} UPDATE enrollments SET request = '', answer = NULL WHERE (request <> '' OR answer IS NOT NULL)"
        " AND (profile, batch) IN (SELECT profile, batch FROM beyond)",
        values,
    )


def _oldest_kept(connection: sqlite3.Connection, table: str, before: float) -> float:
    """Return `before`, or the start of the first of a table's last days of use if that is earlier."""
    days = f"SELECT DISTINCT CAST(at / {DAY} AS INTEGER) AS day FROM {table} ORDER BY day DESC LIMIT {DAYS_OF_USE}"
    (first,) = connection.execute(f"SELECT min(day) FROM ({days})").fetchone()
    return before if first is None else min(before, first * DAY)
