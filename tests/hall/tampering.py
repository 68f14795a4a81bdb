"""Changes a hall's SQLite store behind its back, as none of its operations does."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from pyhall_tui.hall.store import SqliteStore, Store


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
