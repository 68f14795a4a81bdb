"""Changes a hall's SQLite store behind its back, as none of its operations does."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from pyhall_tui.hall.store import SqliteStore, Store
from pyhall_tui.hall.store.chain import GENESIS
from pyhall_tui.hall.store.postgres import PostgresStore


@contextmanager
def tampering(store: Store) -> Iterator[sqlite3.Connection]:
    """Lend out the store's connection, in a transaction."""
    with of_sqlite(store)._changing() as db:
        yield db


def rows(store: Store, sql: str) -> list[sqlite3.Row]:
    """Return the rows of a query."""
    return of_sqlite(store)._db.read(sql)


def of_sqlite(store: Store) -> SqliteStore:
    assert isinstance(store, SqliteStore)
    return store


def cut(store: Store, left: int, *, checkpoints: bool = False) -> None:
    """Delete the decisions after row `left` and set the head back, and perhaps delete the checkpoints about them."""
    entry = store.log.hash_of(left) or GENESIS
    gone = ["decisions", *(["checkpoints"] if checkpoints else [])]
    if isinstance(store, PostgresStore):
        with store._changing() as server:
            for table in gone:
                server.change(f"DELETE FROM {table} WHERE seq > %s", left)
            server.change("UPDATE head SET seq = %s, entry_hash = %s", left, entry)
        return
    with tampering(store) as db:
        for table in gone:
            db.execute(f"DELETE FROM {table} WHERE seq > ?", (left,))
        db.execute("UPDATE meta SET value = ? WHERE name = 'audit_head'", (f"{left}:{entry}",))
