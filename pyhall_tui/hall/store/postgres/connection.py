"""One connection to a hall's PostgreSQL store: transactions, reading, and connecting again after it was lost."""

import contextlib
import itertools
import re
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus

from pyhall_tui.hall.errors import StoreBusy, StoreError, StoreLost
from pyhall_tui.hall.store.postgres import schema
from pyhall_tui.hall.store.postgres.escaped import Row, stored, told
from pyhall_tui.hall.store.postgres.prepared import Prepared, Value

_PATIENCE = 5  # seconds to connect
_AGAIN = 0.2  # seconds between two attempts to connect again
_DEFAULTS: dict[str, str | int] = {
    "connect_timeout": _PATIENCE,
    "application_name": "pyhall-tui hall",
    "target_session_attrs": "read-write",  # of several hosts, the one that takes writes
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # milliseconds: a network that was cut is noticed
}
_SESSION = (
    f"SET search_path = {schema.SCHEMA}; SET client_encoding = 'UTF8'; "
    "SET default_transaction_isolation = 'read committed'; SET default_transaction_deferrable = off; "
    "SET idle_in_transaction_session_timeout = '60s'"
)
T = TypeVar("T")


class Patience(NamedTuple):
    """For how many seconds a connection waits for another hall's lock, and for an answer of any kind.

    Without an answer the server's process has stopped, or the network is cut: the connection is closed, and another one
    made. So `answer` is longer than `lock`.
    """

    lock: float
    answer: float | None

    def session(self) -> str:
        """Return the statements that begin a session."""
        return f"{_SESSION}; SET lock_timeout = '{self.lock * 1000:.0f}ms'"

    def within(self) -> str:
        """Return the same for one transaction."""
        return self.session().replace("SET ", "SET LOCAL ")


OF_A_COMMAND = Patience(5, None)
OF_A_LOOP = Patience(1, 2)
"""A loop waits for its store only while it reads what it does not remember."""
OF_A_THREAD = Patience(5, 6)


class _Bounded(psycopg.Connection[Row]):
    """A connection that is closed, without waiting, if the server does not answer in time."""

    patience: float | None = None
    """Seconds."""

    def wait(self, gen: PQGen[T], *arguments: Any, **options: Any) -> T:
        if self.patience is None:
            return super().wait(gen, *arguments, **options)
        return super().wait(self._in_time(gen, self.patience), *arguments, **options)

    def _in_time(self, gen: PQGen[T], seconds: float) -> Generator[Any, Any, T]:
        """Pass `gen` on. psycopg looks at it each 0.1 s."""
        end = time.monotonic() + seconds
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if not ready and time.monotonic() > end:
                    self.close()
                    raise psycopg.OperationalError(f"the server did not answer within {seconds:g} s")
                wanted = gen.send(ready)
        except StopIteration as done:
            found: T = done.value
            return found


class Place(NamedTuple):
    """Where a connection leads to: libpq's parameters of that one server, and how often it was connected again."""

    generation: int
    parameters: str


class Connection:
    """A connection that several threads share, one at a time.

    If it is lost, everything fails at once with `StoreLost` until it is there again; a thread connects again.

    Args:
        address: `postgresql://…` without a password, which comes from the environment, a service or a password file.
        parameters: libpq's parameters, by default those of the address.
        patience: how long it waits; see `wait_for`.

    Raises:
        StoreError: it can't be opened, or is not a store that this version can use.
    """

    def __init__(
        self, address: str, *, make: bool, parameters: str | None = None, patience: Patience = OF_A_COMMAND
    ) -> None:
        self.path = address
        self.lock = threading.RLock()
        self.generation = 0
        """How often it was connected again: nothing that was read before is sure to be so still."""
        self._within = False
        self._closed = threading.Event()
        self._cursors = itertools.count()
        self._lost: str | None = None
        self._losing = threading.Lock()
        self._place: Place | None = None
        self._patience = patience
        self.parameters = parameters or _parameters(address)
        self._db = self._connect()
        try:
            with self._explained():
                self._db.patience = None  # it may be migrated
                prepare(self._db, address, make=make)
                self._db.patience = patience.answer
        except BaseException:
            self._db.close()
            raise

    def wait_for(self, patience: Patience) -> None:
        """From now on, wait only so long.

        Raises:
            StoreError: the server is lost.
        """
        with self.lock:
            self._patience = patience
            if not self.is_pooled:
                self.change(patience.session())
            self._db.patience = patience.answer

    def _connect(self) -> _Bounded:
        try:
            db = _Bounded.connect(self.parameters, autocommit=True)
            db.patience = _PATIENCE
            try:
                if _is_pooled(db):
                    db.prepare_threshold = None
                    db.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
                else:
                    db.execute(self._patience.session().encode())
            except BaseException:
                db.close()
                raise
            db.patience = self._patience.answer
        except psycopg.Error as error:
            raise StoreLost(f"can't open the hall's store {self.path}: {_first_line(error)}") from None
        return db

    # Losing it, and connecting again

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn the driver's errors into sentences."""
        try:
            yield
        except psycopg.errors.LockNotAvailable:
            raise StoreBusy(f"can't write to the hall's store {self.path}: another hall has locked it") from None
        except psycopg.errors.ReadOnlySqlTransaction as error:  # a standby by now: another host may take writes
            self._db.close()
            raise self._lose(error) from None
        except psycopg.Error as error:
            if self._db.closed or self._db.broken:
                raise self._lose(error) from None
            raise StoreError(f"can't use the hall's store {self.path}: {_first_line(error)}") from error

    def _lose(self, error: psycopg.Error) -> StoreError:
        return self.lose(f"the hall's store {self.path} was lost: {_first_line(error)}")

    def lose(self, why: str) -> StoreError:
        """Fail with this sentence, which is returned as an error, until it is connected again."""
        if self._closed.is_set():
            return StoreError(f"the hall's store {self.path} is closed")
        with self._losing:
            if self._lost is None:
                self._lost = why
                threading.Thread(target=self._connect_again, name="hall's store", daemon=True).start()
            return StoreLost(self._lost)

    def _connect_again(self) -> None:
        while not self._closed.wait(_AGAIN):
            with contextlib.suppress(StoreError):
                db = self._connect()
                with self.lock:
                    if self._closed.is_set():
                        db.close()
                        return
                    self._db.close()
                    with self._losing:
                        self._db, self._lost, self.generation = db, None, self.generation + 1
                return

    def _usable(self) -> _Bounded:
        if self._closed.is_set():
            raise StoreError(f"the hall's store {self.path} is closed")
        if self._lost is not None:
            raise StoreLost(self._lost)
        return self._db

    def place(self) -> Place:
        """Return where it leads to.

        Raises:
            StoreError: it is lost or closed.
        """
        info, known = self._usable().info, self._place
        if known is None or known.generation != self.generation:
            host = {"host": info.host, "port": str(info.port)} | ({"hostaddr": info.hostaddr} if info.hostaddr else {})
            known = self._place = Place(self.generation, make_conninfo(self.parameters, **host))
        return known

    def another(self, place: Place) -> "Connection":
        """Return another connection, for a thread, to a place where this one led to.

        Raises:
            StoreError: it can't be opened.
        """
        return Connection(self.path, make=False, parameters=place.parameters, patience=OF_A_THREAD)

    # Transactions

    @property
    def is_pooled(self) -> bool:
        """Whether a pooler is in between. It may give each transaction another connection to the server, so nothing
        that belongs to a session is used: neither its settings nor prepared statements.
        """
        return self._db.prepare_threshold is None

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction or a snapshot is open."""
        return self._within

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One transaction, which no other hall's write or decision interrupts; one within another is part of it.

        Raises:
            StoreError: another hall holds the store for too long, or the server is lost.
        """
        with self._begun("BEGIN ISOLATION LEVEL READ COMMITTED", "SELECT 1 FROM head FOR UPDATE"):
            yield

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Make all reads inside show the same instant, even if another hall writes meanwhile."""
        with self._begun("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "SELECT 1"):  # the first read fixes it
            yield

    @contextmanager
    def _begun(self, begin: str, first: str) -> Iterator[None]:
        with self.lock:
            if self._within:
                yield
                return
            self._within = True
            try:
                self.change(begin)
                if self.is_pooled:
                    self.change(self._patience.within())
                self.read(first)
                yield
                if self._usable().info.transaction_status == TransactionStatus.INERROR:
                    raise StoreError(f"can't write to the hall's store {self.path}: a part of the change failed")
                self.change("COMMIT")
            except BaseException:
                with contextlib.suppress(psycopg.Error):
                    self._db.execute("ROLLBACK")
                raise
            finally:
                self._within = False

    # Statements

    def change(self, sql: str, *values: Any) -> int:
        """Run a statement, and return how many rows it changed."""
        with self.lock, self._explained():
            return self._executed(sql, values).rowcount

    def read(self, sql: str, *values: Any) -> list[Row]:
        """Return the rows of a query."""
        with self.lock, self._explained():
            rows = self._executed(sql, values).fetchall()
        return [told(row) for row in rows]

    def _executed(self, sql: str, values: Sequence[Any]) -> psycopg.Cursor[Row]:
        db = self._usable()
        if not self.is_pooled or self._within:
            return db.execute(sql.encode(), stored(values) or None)
        with db.transaction():
            db.execute(self._patience.within().encode())
            return db.execute(sql.encode(), stored(values) or None)

    def run(self, prepared: Prepared, values: Sequence[Value]) -> tuple[Value, ...]:
        """Run a prepared statement, outside of any transaction, and return its row."""
        with self.lock, self._explained():
            return prepared.run(self._usable(), values)

    def value(self, sql: str, *values: Any) -> Any:
        """Return the first column of the first row; None if there is none."""
        rows = self.read(sql, *values)
        return rows[0][0] if rows else None

    def stream(self, sql: str) -> Iterator[Row]:
        """Yield a query's rows one by one, for results too long to hold; use it within a `snapshot`."""
        with self.lock, self._explained(), self._usable().cursor(f"rows{next(self._cursors)}") as cursor:
            cursor.itersize = 2000
            for row in cursor.execute(sql.encode()):
                yield told(row)

    def close(self) -> None:
        """Close it."""
        self._closed.set()
        with self.lock:
            self._db.close()


def _is_pooled(db: psycopg.Connection[Row]) -> bool:
    """Whether the process that answers is not the one that was connected to."""
    return db.execute("SELECT pg_backend_pid()").fetchone() != (db.info.backend_pid,)


def _parameters(address: str) -> str:
    """Return libpq's parameters for an address, with our defaults."""
    try:
        given = conninfo_to_dict(address)
    except psycopg.Error:
        given = None
    scheme, _, rest = address.partition("://")
    authority = re.split(r"[/?]", rest)[0]
    if given is None or scheme not in ("postgresql", "postgres") or rest.count("@") > authority.count("@"):
        # Nothing of it is repeated: it may contain a password that is not escaped.
        raise StoreError("the address of the hall's store can't be read: give postgresql://host/name")
    if given.get("password") is not None:
        raise StoreError("the address of the hall's store contains a password, which other programs could read")
    return make_conninfo("", **{**_DEFAULTS, **{name: str(value) for name, value in given.items()}})


def _first_line(error: psycopg.Error) -> str:
    """Return what the server said, in one line: `connection failed: …` has one for each host that was tried.

    What libpq indents are hints for whoever set the server up.
    """
    lines = (error.diag.message_primary or str(error)).splitlines()
    said = [" ".join(line.split()) for line in lines if not line.startswith("\t")]
    return "; ".join(filter(None, said)) or type(error).__name__


def prepare(db: psycopg.Connection[Row], path: str, *, make: bool) -> None:
    """Make sure that the tables are there; if two halls start at once, one makes or migrates them.

    Raises:
        StoreError: there are none and they are not to be made, or a newer version made them.
    """
    if db.info.parameter_status("server_encoding") != "UTF8":
        raise StoreError(f"{path} is a database whose encoding is not UTF8: create it with ENCODING 'UTF8'")
    with db.transaction():
        db.execute(OF_A_COMMAND.within().encode())
        db.execute("SELECT pg_advisory_xact_lock(%s)", (schema.LOCK,))
        found = db.execute("SELECT to_regclass(%s)", (f"{schema.SCHEMA}.schema_version",)).fetchone()
        if found == (None,):
            if not make:
                raise StoreError(f"there is no store at {path}: check the address, or create one with hall serve")
            if db.execute("SELECT to_regnamespace(%s)", (schema.SCHEMA,)).fetchone() == (None,):
                db.execute(f"CREATE SCHEMA {schema.SCHEMA}".encode())
            version = 0
        else:
            (version,) = db.execute("SELECT version FROM schema_version").fetchone() or (0,)
        if version > schema.VERSION:
            raise StoreError(f"{path} was made by a newer pyhall-tui (store version {version}): update this one")
        for step in schema.STEPS[version:]:
            db.execute(step().encode())
            db.execute("UPDATE schema_version SET version = version + 1")
