"""The tables of a hall's SQLite file in a copy, with their columns."""

import json
import sqlite3
from typing import Any

from pyhall_tui.hall.store import key_rows

LOG = "decisions"
COPIED = {
    "meta": ("name", "value"),
    **key_rows.COLUMNS,
    "workers": (
        *("worker_id", "namespace", "display_name", "capabilities", "status", "sha256", "attested_at", "ban_reason"),
        *("banned_at", "ai_generated", "ai_service", "ai_model", "ai_session_fingerprint", "enrolled_at"),
    ),
    "bans": ("sha256", "reason", "reported_at", "source", "review_status", "upstream"),
    "reports": ("report_id", "sha256", "reason", "evidence_url", "namespace", "reported_at"),
    "rules": ("position", "rule"),
    LOG: ("seq", "entry_hash", "receipt"),
    "ingested": ("namespace", "decision_id", "seq"),
    "checkpoints": ("seq", "note"),
}
OF_HALLS = ("hall_seen", "upstream_heard")
"""What a file notes about the hall that serves it."""
OWN_META = ("store_id", "ban_revision", "policy_file", "upstream", "upstream_session", "offline", *OF_HALLS)
"""Settings that are not copied: a copy is a separate store."""


def read_all(table: str) -> str:
    """Return the statement that reads a table, in the order in which it was filled."""
    return f"SELECT {', '.join(COPIED[table])} FROM {table} ORDER BY rowid"


def is_own(table: str, row: sqlite3.Row) -> bool:
    """Whether a row is only about this store, and doesn't belong in a copy."""
    return table == "meta" and row["name"] in OWN_META


def put(table: str, row: dict[str, Any]) -> tuple[str, list[Any]]:
    """Return the statement that stores a row of a copy, and its values.

    Raises:
        KeyError, ValueError: it is not a row of one of these tables.
    """
    columns = COPIED[table]
    if set(row) != set(columns):
        raise ValueError(f"the columns of {table} are {', '.join(columns)}")
    if table == "workers":
        json.loads(row["capabilities"])
    sql = f"INSERT OR REPLACE INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
    return sql, [row[column] for column in columns]
