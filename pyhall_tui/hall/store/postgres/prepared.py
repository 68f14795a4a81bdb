"""A statement that a hall runs for each decision, close to libpq: that takes half the processor time of psycopg's way.

It is prepared once on each connection. Its values are sent as text, already encoded.
"""

import selectors
import time
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import pq
from psycopg.errors import error_from_result

from pyhall_tui.hall.store.postgres.escaped import escaped

PATIENCE = 6.0
"""Seconds for the answer. A lock's own limit is shorter, so then the server has stopped, or the network is cut."""
_LOOK = 0.1  # seconds after which a signal is noticed
_NAME = b"hall_fast"
_UNPREPARED = b"26000"
Value = bytes | None


class Prepared:
    """One statement that returns one row.

    Args:
        sql: with `$1`, `$2`, … for its values.
    """

    def __init__(self, sql: str) -> None:
        self._sql = sql.encode()
        self._on: psycopg.Connection[Any] | None = None
        self._selector: selectors.BaseSelector | None = None

    def run(self, db: psycopg.Connection[Any], values: Sequence[Value]) -> tuple[Value, ...]:
        """Run it, outside of any transaction. Whatever interrupts it closes the connection: its answer may still come.

        Raises:
            psycopg.Error: it failed, or the server is lost.
        """
        if db is not self._on:
            self._prepare(db)
        result = self._run(db, values)
        if result.error_field(pq.DiagnosticField.SQLSTATE) == _UNPREPARED:  # psycopg drops all, as after a ROLLBACK
            self._prepare(db)
            result = self._run(db, values)
        if result.status != pq.ExecStatus.TUPLES_OK or result.ntuples != 1:
            raise error_from_result(result)
        return tuple(result.get_value(0, column) for column in range(result.nfields))

    def _run(self, db: psycopg.Connection[Any], values: Sequence[Value]) -> pq.abc.PGresult:
        try:
            return self._exchange(db.pgconn, values)
        except BaseException:
            db.close()
            raise

    def close(self) -> None:
        """Let go of the connection."""
        if self._selector is not None:
            self._selector.close()
        self._selector = self._on = None

    def _prepare(self, db: psycopg.Connection[Any]) -> None:
        self.close()
        result = db.pgconn.prepare(_NAME, self._sql)
        if result.status != pq.ExecStatus.COMMAND_OK:
            raise error_from_result(result)
        self._selector = selectors.DefaultSelector()
        self._selector.register(db.pgconn.socket, selectors.EVENT_READ)
        self._on = db

    def _exchange(self, connection: pq.abc.PGconn, values: Sequence[Value]) -> pq.abc.PGresult:
        end = time.monotonic() + PATIENCE
        connection.send_query_prepared(_NAME, values)
        while connection.flush():  # more than the socket holds; the server may have to be read before it goes on
            self._wait(end, selectors.EVENT_READ | selectors.EVENT_WRITE, connection.socket)
            connection.consume_input()
        while connection.is_busy():
            self._wait(end, selectors.EVENT_READ, connection.socket)
            connection.consume_input()
        result = connection.get_result()
        if result is None:
            raise psycopg.OperationalError("the server gave no answer")
        while connection.get_result() is not None:
            continue
        return result

    def _wait(self, end: float, events: int, socket: int) -> None:
        assert self._selector is not None
        if events != selectors.EVENT_READ:
            self._selector.modify(socket, events)
        try:
            while not self._selector.select(_LOOK):
                if time.monotonic() > end:
                    raise psycopg.OperationalError(f"the server did not answer within {PATIENCE:.0f} s")
        finally:
            if events != selectors.EVENT_READ:
                self._selector.modify(socket, selectors.EVENT_READ)


def array(texts: Sequence[str | None]) -> bytes:
    """Return texts as PostgreSQL writes an array of them."""
    return ("{" + ",".join([_quoted(text) for text in texts]) + "}").encode()


def _quoted(text: str | None) -> str:
    if text is None:
        return "NULL"
    return '"' + escaped(text).replace("\\", "\\\\").replace('"', '\\"') + '"'
