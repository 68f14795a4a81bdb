"""A profile gets another name: what is recorded under the old one moves to it, in one transaction.

This program writes under the new name from then on (`Names`). Other programs that have the profile open learn of it
from a change under the old name; they follow, and move again what they wrote meanwhile.
"""

import sqlite3
import threading
from collections.abc import Mapping
from typing import Final

from pyhall_tui.alarms.alarm import Change, What, alarm_id
from pyhall_tui.journal import alarm_statements

_MOVED: Final = ("events", "dispatches", "silences")
"""The tables whose keys don't depend on the profile."""


class Names:
    """The names that profiles have got while this program ran. Thread-safe."""

    def __init__(self) -> None:
        self._now: dict[str, str] = {}
        self._lock = threading.Lock()

    def of(self, profile: str) -> str:
        """Return the present name of the profile that is open under that name."""
        return self._now.get(profile, profile)

    def rename(self, old: str, new: str) -> None:
        """Note a new name; the names before it lead to it as well."""
        with self._lock:
            names = {name: new if now == old else now for name, now in self._now.items()} | {old: new}
            self._now = {name: now for name, now in names.items() if name != new}

    def use(self, profile: str) -> None:
        """Note that a profile has that name now, though an earlier one may have given it up."""
        with self._lock:
            self._now = {name: now for name, now in self._now.items() if name != profile}


def move(connection: sqlite3.Connection, old: str, new: str, at: float) -> None:
    """Move all rows of a profile to its new name, and tell who follows the old one.

    Rows of an earlier profile with the new name stay; of two about the same thing the newer one counts. It may run
    again: it moves what has come since.
    """
    # That a row was sent is never forgotten: what is known under both names stays under both.
    connection.execute("UPDATE OR IGNORE enrollments SET profile = ? WHERE profile = ?", (new, old))
    connection.execute(
        "DELETE FROM verdicts WHERE profile = ? AND at < (SELECT at FROM verdicts AS other WHERE other.profile = ?"
        " AND other.worker_id = verdicts.worker_id)",
        (old, new),
    )
    connection.execute("UPDATE OR REPLACE verdicts SET profile = ? WHERE profile = ?", (new, old))
    _move_records(connection, old, new, at)


def put_aside(connection: sqlite3.Connection, profile: str, aside: str, at: float) -> None:
    """Give what a deleted profile recorded a name of its own, so that the next profile with its name inherits nothing.

    Only what was last known about its workers is deleted. That a row was sent stays known under the old name: nothing
    is sent twice. Other programs that have the profile open follow it to `aside`.
    """
    connection.execute("DELETE FROM verdicts WHERE profile = ?", (profile,))
    _move_records(connection, profile, aside, at)


def _move_records(connection: sqlite3.Connection, old: str, new: str, at: float) -> None:
    for table in _MOVED:
        connection.execute(f"UPDATE {table} SET profile = ? WHERE profile = ?", (new, old))
    _move_changes(connection, old, new, _move_alarms(connection, old, new))
    alarm_statements.tell(connection, old, Change(what=What.RENAMED, at=at, by=new))


def _move_alarms(connection: sqlite3.Connection, old: str, new: str) -> dict[str, str]:
    """Move the alarms; return their new ids, which depend on the profile, by the old ones."""
    rows = connection.execute(
        "SELECT id, condition, subject, coalesce(resolved_at, fired_at) FROM alarms WHERE profile = ?", (old,)
    ).fetchall()
    ids = {one: alarm_id(new, condition, subject) for one, condition, subject, _ in rows}
    for one, _, _, changed_at in rows:
        connection.execute(
            "DELETE FROM alarms WHERE id = ? AND coalesce(resolved_at, fired_at) <= ?", (ids[one], changed_at)
        )
        connection.execute("UPDATE OR IGNORE alarms SET id = ?, profile = ? WHERE id = ?", (ids[one], new, one))
    connection.execute("DELETE FROM alarms WHERE profile = ?", (old,))
    return ids


def _move_changes(connection: sqlite3.Connection, old: str, new: str, ids: Mapping[str, str]) -> None:
    """Move the changes, except for that the profile was renamed, which is for those who follow the old name."""
    rows = connection.execute(
        "SELECT seq, id, body FROM alarm_changes WHERE profile = ? AND id <> ?", (old, f".{What.RENAMED}")
    ).fetchall()
    for seq, change_id, body in rows:
        one, _, rest = change_id.partition(".")
        if one in ids:
            change_id, body = f"{ids[one]}.{rest}", body.replace(one.encode(), ids[one].encode(), 1)
        connection.execute(
            "UPDATE alarm_changes SET profile = ?, id = ?, body = ? WHERE seq = ?", (new, change_id, body, seq)
        )
