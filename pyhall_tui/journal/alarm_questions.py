"""What the journal answers about alarms, silences and their changes. A row that can't be read is left out."""

import sqlite3
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from pyhall_tui.alarms.alarm import Alarm, Change, Condition
from pyhall_tui.alarms.silences import Silence
from pyhall_tui.fleet.events import Severity
from pyhall_tui.journal.last_verdict import readable

FIELDS = Alarm.__struct_fields__
COLUMNS = tuple("was" if field == "before" else field for field in FIELDS)
"""The columns of an alarm, in the order of its fields."""
_ALARM = f"SELECT {', '.join(COLUMNS)} FROM alarms"
_SILENCE = f"SELECT {', '.join(Silence.__struct_fields__)} FROM silences"

_MOST_IDS = 500
"""In one question; SQLite before 3.32 takes 999 values."""

_decode_change = msgspec.json.Decoder(Change).decode


class Kept(NamedTuple):
    """What a program starts with."""

    firing: list[Alarm]
    silences: list[Silence]
    """Those that have not ended."""
    seq: int
    """The number of the last change included."""


class LastChange(NamedTuple):
    """Where a follower starts that has followed nothing yet."""

    change: Change | None
    """The last one; None if there was none."""
    firing: list[Alarm]
    """What fires then."""


def kept(connection: sqlite3.Connection, profile: str) -> Kept:
    """Return what fires and what is silenced, up to which change; later ones come from `changes`."""
    newest = newest_change(connection)  # first, so that a change in between is reported twice rather than never
    return Kept(firing(connection, profile), silences(connection, profile), newest)


def alarm(connection: sqlite3.Connection, one: str) -> Alarm | None:
    """Return one alarm by its id."""
    found = readable(_alarm, connection.execute(f"{_ALARM} WHERE id = ?", (one,)))
    return found[0] if found else None


def alarms_by_id(connection: sqlite3.Connection, ids: Iterable[str]) -> list[Alarm]:
    """Return those of these alarms that there are."""
    found, left = [], list(ids)
    while left:
        some, left = left[:_MOST_IDS], left[_MOST_IDS:]
        marks = ",".join("?" * len(some))
        found += readable(_alarm, connection.execute(f"{_ALARM} WHERE id IN ({marks})", some).fetchall())
    return found


def firing(connection: sqlite3.Connection, profile: str) -> list[Alarm]:
    """Return the firing alarms, including acknowledged ones, the oldest first."""
    rows = connection.execute(f"{_ALARM} WHERE profile = ? AND resolved_at IS NULL ORDER BY fired_at", (profile,))
    return readable(_alarm, rows)


def alarms(connection: sqlite3.Connection, profile: str, limit: int) -> list[Alarm]:
    """Return firing and ended alarms, the most recently changed first."""
    rows = connection.execute(
        f"{_ALARM} WHERE profile = ? ORDER BY resolved_at IS NOT NULL, max(fired_at, coalesce(resolved_at, 0)) DESC,"
        " subject, condition"
        " LIMIT ?",
        (profile, limit),
    )
    return readable(_alarm, rows)


def acknowledged_by(connection: sqlite3.Connection, profile: str, act: int) -> list[Alarm]:
    """Return the alarms that one act acknowledged and that have not changed since."""
    rows = connection.execute(
        f"{_ALARM} WHERE profile = ? AND act = ? AND acknowledged_at IS NOT NULL AND resolved_at IS NULL",
        (profile, act),
    )
    return readable(_alarm, rows)


def silences(connection: sqlite3.Connection, profile: str, *, ended: int = 0) -> list[Silence]:
    """Return the silences that have not ended, and up to `ended` of those that have."""
    going_on = connection.execute(f"{_SILENCE} WHERE profile = ? AND ended_at IS NULL ORDER BY until, id", (profile,))
    over = connection.execute(
        f"{_SILENCE} WHERE profile = ? AND ended_at IS NOT NULL ORDER BY ended_at DESC LIMIT ?", (profile, ended)
    )
    return readable(_silence, [*going_on, *over])


def silence(connection: sqlite3.Connection, silence_id: str) -> Silence | None:
    """Return one silence by its id."""
    found = readable(_silence, connection.execute(f"{_SILENCE} WHERE id = ?", (silence_id,)))
    return found[0] if found else None


def changes(connection: sqlite3.Connection, profile: str, after: int, limit: int) -> list[Change]:
    """Return what changed after a number, in the order of writing."""
    rows = connection.execute(
        "SELECT seq, body FROM alarm_changes WHERE profile = ? AND seq > ? ORDER BY seq LIMIT ?",
        (profile, after, limit),
    )
    return readable(_change, rows)


def last_change(connection: sqlite3.Connection, profile: str) -> LastChange:
    """Return a profile's last change, and what fires."""
    rows = connection.execute(
        "SELECT seq, body FROM alarm_changes WHERE profile = ? ORDER BY seq DESC LIMIT 1", (profile,)
    )
    last = readable(_change, rows)  # first, so that a change in between is reported twice rather than never
    return LastChange(last[0] if last else None, firing(connection, profile))


def newest_change(connection: sqlite3.Connection) -> int:
    """Return the number of the last change in any profile; 0 for none."""
    (newest,) = connection.execute("SELECT coalesce(max(seq), 0) FROM alarm_changes").fetchone()
    return int(newest)


def _alarm(row: tuple[Any, ...]) -> Alarm:
    values = dict(zip(FIELDS, row, strict=True))
    values["condition"], values["severity"] = Condition(values["condition"]), Severity(values["severity"])
    return Alarm(**values)


def _silence(row: tuple[Any, ...]) -> Silence:
    return Silence(**dict(zip(Silence.__struct_fields__, row, strict=True)))


def _change(row: tuple[Any, ...]) -> Change:
    seq, body = row
    return msgspec.structs.replace(_decode_change(body), seq=seq)
