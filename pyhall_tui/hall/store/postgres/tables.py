"""The tables of a hall's PostgreSQL store in a copy, whose form is that of SQLite's: a copy goes either way."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg

from pyhall_tui.hall.errors import StoreError
from pyhall_tui.hall.store.key_rows import TABLES as KEY_TABLES
from pyhall_tui.hall.store.postgres.connection import Connection
from pyhall_tui.hall.store.postgres.log import mark_of
from pyhall_tui.hall.store.postgres.receipts import columns_of
from pyhall_tui.hall.store.tables import COPIED, LOG, OWN_META

_HEAD = "audit_head"
_OF_THE_ROW = (psycopg.DataError, psycopg.IntegrityError, psycopg.ProgrammingError)
_ORDER = {"meta": "name", "rules": "position", "ingested": "seq, namespace, decision_id", "checkpoints": "seq"}
_KEY = {
    "meta": "name",
    **dict.fromkeys(KEY_TABLES, "key_id"),
    "workers": "worker_id",
    "bans": "sha256",
    "reports": "report_id",
    "rules": "position",
    "ingested": "namespace, decision_id",
    "checkpoints": "seq",
    LOG: "seq",
}


def rows_beside_the_log(db: Connection) -> Iterator[tuple[str, dict[str, Any]]]:
    """As `Store` says."""
    (seq, entry), *_ = db.read("SELECT seq, entry_hash FROM head")
    if seq:
        yield "meta", {"name": _HEAD, "value": f"{seq}:{entry}"}
    for table, columns in COPIED.items():
        if table == LOG:
            continue
        for values in db.stream(f"SELECT {', '.join(columns)} FROM {table} ORDER BY {_ORDER.get(table, 'number')}"):
            row = dict(zip(columns, values, strict=True))
            if table != "meta" or row["name"] not in OWN_META:
                yield table, row


def is_empty(db: Connection) -> bool:
    """As `Store` says."""
    filled = " OR ".join(f"EXISTS (SELECT FROM {table})" for table in COPIED if table != "meta")
    return not db.value(f"SELECT {filled}")


def put_row(db: Connection, table: str, row: dict[str, Any]) -> None:
    """Store a row of a copy.

    Raises:
        KeyError, ValueError: it is not a row of one of these tables.
    """
    columns = list(COPIED[table])
    if set(row) != set(columns):
        raise ValueError(f"the columns of {table} are {', '.join(columns)}")
    values = [row[column] for column in columns]
    if table == "workers":
        json.loads(row["capabilities"])
    if table == "meta" and row["name"] == _HEAD:
        db.change("UPDATE head SET seq = %s, entry_hash = %s", *mark_of(row["value"]))
        return
    if table == LOG:
        columns += ["namespace", "rule", "outcome", "decided_at"]
        values += columns_of(row["receipt"])
    for each in KEY_TABLES if table in KEY_TABLES else ():
        db.change(f"DELETE FROM {each} WHERE key_id = %s OR key_hash = %s", row["key_id"], row["key_hash"])
    again = ", ".join(f"{column} = excluded.{column}" for column in columns)
    sql = (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))}) "
        f"ON CONFLICT ({_KEY[table]}) DO UPDATE SET {again}"
    )
    try:
        db.change(sql, *values)
    except StoreError as error:
        if isinstance(error.__cause__, _OF_THE_ROW):
            raise ValueError(str(error.__cause__).splitlines()[0]) from None
        raise
