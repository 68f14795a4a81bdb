"""Events on their way to the file, with the alarms that follow from them."""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from pyhall_tui.fleet.events import Event
from pyhall_tui.journal import alarm_statements
from pyhall_tui.journal.alarm_statements import Cause
from pyhall_tui.journal.batches import Values, insert
from pyhall_tui.journal.stored_text import masked, optional, text

_EARLIER = 50
"""This many correlation ids of folded events are stored with their row."""
_INSERT = (
    "INSERT INTO events (id, profile, kind, severity, at, worker_id, was, became, source, correlation_id, detail,"
    " times, earlier_ids, acknowledged)"
)


class EventRow(NamedTuple):
    """An event as it is written, except for what only the file knows."""

    values: Values
    """All columns except the last two."""
    acknowledged: bool
    replaced_id: int | None
    """The row that was folded into it, if any."""
    cause: Cause | None
    """What it does to alarms; None for nothing."""


def recorded(profile: str, event: Event, came: Event, replaced_id: int | None, namespace: str) -> EventRow:
    """Return an event with what it does to alarms. `came` is only the event, if it was folded into an earlier row.

    If somebody has acknowledged what it reports, it is not news: another program was faster.
    """
    cause = alarm_statements.cause(profile, msgspec.structs.replace(came, id=event.id), namespace)
    return written_again(profile, event, replaced_id)._replace(cause=cause)


def written_again(profile: str, event: Event, replaced_id: int | None) -> EventRow:
    """Return an event that does nothing to alarms."""
    values = (
        event.id,
        profile,
        event.kind.value,
        int(event.severity),
        event.at,
        optional(event.worker_id),
        text(event.before),
        text(event.after),
        text(event.source),
        text(event.correlation_id),
        masked(event.detail),
        event.count,
    )
    return EventRow(values, event.acknowledged, replaced_id, None)


def write_events(connection: sqlite3.Connection, rows: Sequence[EventRow]) -> None:
    """Write events and what follows for their alarms, as if one after the other."""
    acts = iter(alarm_statements.take_events(connection, [row.cause for row in rows if row.cause is not None]))
    written: dict[int, Values] = {}
    for row in rows:
        earlier = _fold_away(connection, row.replaced_id, written) if row.replaced_id is not None else []
        act = 0 if row.cause is None else next(acts)
        ids = f"\n{chr(10).join(earlier)}\n" if earlier else ""
        written[row.values[0]] = (*row.values, ids, act or int(row.acknowledged))
    insert(connection, _INSERT, written.values())


def _fold_away(connection: sqlite3.Connection, event_id: int, written: dict[int, Values]) -> list[str]:
    """Delete a row, or take it from those about to be written; return its correlation ids, newest last."""
    if (ours := written.pop(event_id, None)) is not None:
        row = (ours[-2], ours[9])
    else:
        asked = "SELECT earlier_ids, correlation_id FROM events WHERE id = ?"
        row = connection.execute(asked, (event_id,)).fetchone()
        if row is None:
            return []
        connection.execute("DELETE FROM events WHERE id = ?", (event_id,))
    return [part for part in (*row[0].split("\n"), row[1]) if part][-_EARLIER:]
