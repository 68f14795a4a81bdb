"""What a hall knows, in SQLite: a WAL file, or memory. Any process's next change clears the cache."""

import contextlib
import hashlib
import json
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from pyhall_tui.clock import Clock, SystemClock
from pyhall_tui.files.private_file import make_private_database
from pyhall_tui.files.regular_file import reason
from pyhall_tui.hall.errors import StoreError
from pyhall_tui.hall.models import Ban, Key, Status, Worker, clean_hash

MEMORY = ":memory:"
_VERSION = 3
_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE keys (
  key_id TEXT PRIMARY KEY, key_hash TEXT NOT NULL UNIQUE, namespace TEXT NOT NULL, label TEXT NOT NULL,
  created_at TEXT NOT NULL, revoked_at TEXT);
CREATE TABLE workers (
  worker_id TEXT PRIMARY KEY, namespace TEXT NOT NULL, display_name TEXT NOT NULL, capabilities TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('active', 'retired', 'revoked')), sha256 TEXT, attested_at TEXT,
  ban_reason TEXT, banned_at TEXT, ai_generated INTEGER NOT NULL, ai_service TEXT, ai_model TEXT,
  ai_session_fingerprint TEXT, enrolled_at TEXT NOT NULL);
CREATE TABLE bans (
  sha256 TEXT PRIMARY KEY, reason TEXT NOT NULL, reported_at TEXT NOT NULL, source TEXT NOT NULL, review_status TEXT,
  upstream INTEGER NOT NULL DEFAULT 0);
CREATE TABLE reports (
  report_id TEXT PRIMARY KEY, sha256 TEXT NOT NULL, reason TEXT NOT NULL, evidence_url TEXT, namespace TEXT NOT NULL,
  reported_at TEXT NOT NULL);
CREATE TABLE rules (position INTEGER PRIMARY KEY, rule TEXT NOT NULL);
CREATE TABLE decisions (
  seq INTEGER PRIMARY KEY, entry_hash TEXT NOT NULL, receipt TEXT NOT NULL,
  namespace TEXT AS (json_extract(receipt, '$.namespace')), rule TEXT AS (json_extract(receipt, '$.rule')),
  outcome TEXT AS (json_extract(receipt, '$.outcome')), decided_at TEXT AS (json_extract(receipt, '$.decided_at')));
CREATE INDEX decisions_of ON decisions (namespace, seq);
CREATE INDEX decisions_since ON decisions (decided_at, namespace, outcome);
CREATE TRIGGER bans_in AFTER INSERT ON bans BEGIN UPDATE meta SET value = value + 1 WHERE name = 'ban_revision'; END;
CREATE TRIGGER bans_up AFTER UPDATE ON bans BEGIN UPDATE meta SET value = value + 1 WHERE name = 'ban_revision'; END;
CREATE TRIGGER bans_out AFTER DELETE ON bans BEGIN UPDATE meta SET value = value + 1 WHERE name = 'ban_revision'; END;
"""
_SECOND = """
CREATE TABLE ingested (namespace TEXT, decision_id TEXT, seq INTEGER NOT NULL, PRIMARY KEY (namespace, decision_id));
"""  # since version 2: decisions made elsewhere, so that each is logged once
_THIRD = """
CREATE TABLE rates (
  rule TEXT, worker_id TEXT, mono REAL NOT NULL, wall REAL NOT NULL, allowed BLOB NOT NULL,
  PRIMARY KEY (rule, worker_id)) WITHOUT ROWID;
"""  # since version 3: what a rule's rate has allowed recently. The log may record what was removed from it.
BAN_COLUMNS = ", ".join(Ban.__struct_fields__)
_WORKER_COLUMNS = tuple(f for f in Worker.__struct_fields__ if f != "hash_ban_reason")
_PUT_WORKER = (
    f"INSERT OR REPLACE INTO workers ({', '.join(_WORKER_COLUMNS)}) VALUES ({', '.join('?' * len(_WORKER_COLUMNS))})"
)
_INDEXES = """
CREATE INDEX IF NOT EXISTS workers_in_order ON workers (enrolled_at, worker_id);
CREATE INDEX IF NOT EXISTS workers_of ON workers (namespace, enrolled_at, worker_id);
CREATE INDEX IF NOT EXISTS bans_in_order ON bans (reported_at);
"""  # for reading long lists in pages
_WORKERS_AND_BANS = "workers w LEFT JOIN bans b ON b.sha256 = w.sha256"
GET_WORKER = (
    f"SELECT {', '.join('w.' + c for c in _WORKER_COLUMNS)}, b.reason AS hash_ban_reason FROM {_WORKERS_AND_BANS}"
)

_MOST_KNOWN = 10_000  # keys or workers in the cache
_MOST_PAGES = 40_000  # of the write-ahead log, about 160 MiB; `checkpoint` is called long before
_PATIENCE = 2.5  # seconds to wait for another program's lock when opening
_FINAL = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL)
"""Errors that another journal mode would not avoid."""


class Store:
    """A hall's store; safe to use from several threads, and, if it is a file, from several processes.

    Args:
        path: the SQLite file, created (mode 0600) if missing; `MEMORY` for a store that leaves nothing behind.
        clock: the source of the times in it.

    Raises:
        StoreError: the file can't be opened, is not a store, or is from a newer version.
    """

    def __init__(self, path: Path | str = MEMORY, *, clock: Clock | None = None) -> None:
        self.path = str(path)
        self._clock = clock or SystemClock()
        self._lock = threading.RLock()
        self._changes = 0
        self._stamp = (0, 0)
        self._keys: dict[str, Key] = {}
        self._workers: dict[str, Worker] = {}
        self._beside: Store | None = None
        self.note: str | None = None
        """What is wrong with the file, in a sentence."""
        try:
            self._db = self._open()
        except (OSError, sqlite3.Error) as error:
            why = reason(error) if isinstance(error, OSError) else error
            if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
                why = "another program has locked it, or its file system has no locks: use --db on a local disk"
            raise StoreError(f"can't open the hall's store {self.path}: {why}") from error

    def _open(self) -> sqlite3.Connection:
        if self.path != MEMORY:
            make_private_database(Path(self.path))
        errors: list[sqlite3.OperationalError] = []
        # Without shared memory, a file in WAL mode can't be read unless it is locked for one program.
        for mode, alone in (("WAL", False), ("TRUNCATE", False), ("TRUNCATE", True)):
            try:
                return self._open_in(mode, alone=alone)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF in _FINAL:
                    raise
                errors.append(error)
        raise errors[0]

    def _open_in(self, mode: str, *, alone: bool) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=_PATIENCE)
        try:
            db.row_factory = sqlite3.Row
            if alone:
                db.execute("PRAGMA locking_mode=EXCLUSIVE").fetchall()
            (kept,) = db.execute(f"PRAGMA journal_mode={mode}").fetchone()
            if alone:
                db.execute("PRAGMA locking_mode=NORMAL").fetchall()
            if kept == "wal":
                db.execute(f"PRAGMA wal_autocheckpoint={_MOST_PAGES}").fetchall()
                db.execute("PRAGMA synchronous=NORMAL")  # with WAL: whole after kill -9, and after a power cut
            elif self.path != MEMORY:
                self.note = (
                    f"The file system of {self.path} does not support a write-ahead log: using mode {kept.upper()}."
                )
            self._prepare(db)
            db.execute("PRAGMA busy_timeout=5000").fetchall()
        except BaseException:
            db.close()
            raise
        return db

    def _prepare(self, db: sqlite3.Connection) -> None:
        """Create the tables of an empty file; if two processes open it at once, only one does."""
        db.execute("BEGIN IMMEDIATE")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > _VERSION:
            raise StoreError(f"{self.path} was made by a newer pyhall-tui (store version {version}): update this one")
        if version == 0:
            for statement in _statements(_SCHEMA):
                db.execute(statement)
            db.executemany(
                "INSERT INTO meta VALUES (?, ?)",
                [("store_id", secrets.token_hex(8)), ("ban_revision", "0"), ("policy_revision", "0")],
            )
        for since, script in ((2, _SECOND), (3, _THIRD)):
            if version < since:
                for statement in _statements(script):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version={since}")
        for statement in _statements(_INDEXES):
            db.execute(statement)
        db.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._beside is not None:
                self._beside.close()
            self._db.close()

    def beside(self) -> "Store":
        """Return the same store with its own connection, to read in another thread; or itself, if only one connection
        is possible. Closing this store closes it too."""
        with self._lock:
            if self.path == MEMORY or self.note is not None:
                return self
            if self._beside is None:
                self._beside = Store(self.path, clock=self._clock)
            return self._beside

    def checkpoint(self) -> None:
        """Move the write-ahead log's content into the file; call it from any thread, because it waits for the disk."""
        if self.path == MEMORY or self.note is not None:
            return
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(self.path)) as db:
            db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def now(self) -> str:
        """Return this instant as ISO 8601 in UTC."""
        return iso(self._clock.now().wall)

    @contextmanager
    def write(self, *, log_alone: bool = False) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it or nothing, even with `kill -9`.

        `log_alone`: it changes only the decision log, not a key, worker or ban, so their cache stays valid.

        Raises:
            StoreError: another process holds the store for longer than 5 s, or the disk is full.
        """
        with self._lock:
            try:
                self._changes += not log_alone
                if self._db.in_transaction:  # a write within a write is one transaction
                    yield self._db
                    return
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    yield self._db
                except BaseException:
                    self._db.execute("ROLLBACK")
                    raise
                self._db.execute("COMMIT")
            except sqlite3.OperationalError as error:
                raise StoreError(f"can't write to the hall's store {self.path}: {error}") from error
            finally:
                self._changes += not log_alone

    def _forget_if_changed(self) -> None:
        """Clear the cache if this process or another has changed anything since."""
        (others,) = self._db.execute("PRAGMA data_version").fetchone()
        if (others, self._changes) != self._stamp or max(len(self._keys), len(self._workers)) > _MOST_KNOWN:
            self._keys.clear()
            self._workers.clear()
            self._stamp = (others, self._changes)

    def written_elsewhere(self) -> int:
        """Return a number that changes whenever another process has written."""
        number: int = self.read("PRAGMA data_version")[0][0]
        return number

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Make all reads inside show the same instant, even if another process writes meanwhile."""
        with self._lock:
            self._db.execute("BEGIN")
            try:
                yield
            finally:
                self._db.execute("COMMIT")

    def stream(self, sql: str, *values: Any) -> Iterator[sqlite3.Row]:
        """Yield a query's rows one by one, for results too long to hold; use it within a `snapshot`."""
        yield from self._db.execute(sql, values)

    def read(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """Return the rows of a query."""
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def meta(self, name: str) -> str | None:
        """Return a setting of the store."""
        rows = self.read("SELECT value FROM meta WHERE name = ?", name)
        return rows[0][0] if rows else None

    def set_meta(self, name: str, value: str, *, log_alone: bool = False) -> None:
        """Set a setting of the store; `log_alone` as in `write`."""
        with self.write(log_alone=log_alone) as db:
            db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    # Keys

    def add_key(self, namespace: str, label: str = "") -> str:
        """Make an API key for one namespace and return it. Only its hash is stored, so it can't be seen again."""
        token = "phk_live_" + secrets.token_urlsafe(24)
        self.put_key(
            Key(key_id=new_id("key"), key_hash=hash_key(token), namespace=namespace, label=label, created_at=self.now())
        )
        return token

    def put_key(self, key: Key) -> None:
        """Store a key of which only the hash is known."""
        with self.write() as db:
            db.execute("INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?, ?, ?)", msgspec.structs.astuple(key))

    def find_key(self, token: str) -> Key | None:
        """Return what is known about an API key; None if it doesn't exist or is revoked."""
        hashed = hash_key(token)
        with self._lock:
            self._forget_if_changed()
            if hashed not in self._keys:
                rows = self.read("SELECT * FROM keys WHERE key_hash = ? AND revoked_at IS NULL", hashed)
                if not rows:
                    return None
                self._keys[hashed] = Key(**dict(rows[0]))
            return self._keys[hashed]

    def all_keys(self) -> list[Key]:
        """Return all keys, including revoked ones, oldest first."""
        return [Key(**dict(row)) for row in self.read("SELECT * FROM keys ORDER BY created_at, rowid")]

    def revoke_key(self, key_id: str) -> bool:
        """Revoke a key permanently; False if no valid key has this id."""
        with self.write() as db:
            sql = "UPDATE keys SET revoked_at = ? WHERE key_id = ? AND revoked_at IS NULL"
            return db.execute(sql, (self.now(), key_id)).rowcount > 0

    # Workers

    def put_worker(self, worker: Worker) -> Worker:
        """Store a worker as given, replacing one with the same id; without `enrolled_at` it is enrolled now."""
        worker.enrolled_at = worker.enrolled_at or self.now()
        row = [getattr(worker, column) for column in _WORKER_COLUMNS]
        row[_WORKER_COLUMNS.index("capabilities")] = json.dumps(worker.capabilities)
        with self.write() as db:
            db.execute(_PUT_WORKER, row)
        return worker

    def worker(self, worker_id: str) -> Worker | None:
        """Return a worker, with the ban on its hash if there is one. Change only a copy of it."""
        with self._lock:
            self._forget_if_changed()
            if worker_id not in self._workers:
                rows = self.read(f"{GET_WORKER} WHERE w.worker_id = ?", worker_id)
                if not rows:
                    return None
                self._workers[worker_id] = worker_of(rows[0])
            return self._workers[worker_id]

    def workers(self, namespace: str | None = None) -> list[Worker]:
        """Return all workers (of one namespace), in the order in which they were enrolled."""
        where, values = ("WHERE w.namespace = ?", (namespace,)) if namespace else ("", ())
        return [
            worker_of(row) for row in self.read(f"{GET_WORKER} {where} ORDER BY w.enrolled_at, w.worker_id", *values)
        ]

    def worker_counts(self, namespace: str | None = None) -> tuple[int, int]:
        """Return how many workers there are (of one namespace), and how many of them are banned."""
        where, values = ("WHERE w.namespace = ?", (namespace,)) if namespace else ("", ())
        sql = f"SELECT count(*), count(coalesce(w.ban_reason, b.sha256)) FROM {_WORKERS_AND_BANS} {where}"
        found = self.read(sql, *values)[0]
        return found[0], found[1]

    def perhaps_amiss(self, namespace: str | None, most: int) -> list[Worker]:
        """Return at most `most` workers (of one namespace) that are banned, or active and possibly not attested."""
        amiss = (
            "(w.ban_reason IS NOT NULL OR b.sha256 IS NOT NULL OR (w.status = 'active' "
            "AND (w.attested_at IS NULL OR w.sha256 IS NULL OR length(w.sha256) <> 64)))"
        )
        where, values = ("AND w.namespace = ?", (namespace,)) if namespace else ("", ())
        rows = self.read(f"{GET_WORKER} WHERE {amiss} {where} ORDER BY b.sha256 IS NULL LIMIT ?", *values, most)
        return [worker_of(row) for row in rows]

    def attest(self, worker_id: str, sha256: str, *, active_only: bool = True, **ai: Any) -> bool:
        """Set a worker's attested hash (64 lowercase hex); False if there is no such (active) worker."""
        sets = "".join(f", {name} = ?" for name in ai)
        alive = " AND status = 'active'" if active_only else ""
        with self.write() as db:
            sql = f"UPDATE workers SET sha256 = ?, attested_at = ?{sets} WHERE worker_id = ?{alive}"
            return db.execute(sql, (sha256, self.now(), *ai.values(), worker_id)).rowcount > 0

    def withdraw(self, worker_id: str) -> bool:
        """Withdraw a worker's attestation together with its hash; False if there is no such worker."""
        with self.write() as db:
            sql = "UPDATE workers SET sha256 = NULL, attested_at = NULL WHERE worker_id = ?"
            return db.execute(sql, (worker_id,)).rowcount > 0

    def set_status(self, worker_id: str, status: Status) -> bool:
        """Retire, revoke or reactivate a worker; False if there is no such worker."""
        with self.write() as db:
            sql = "UPDATE workers SET status = ? WHERE worker_id = ?"
            return db.execute(sql, (status, worker_id)).rowcount > 0

    # Bans

    def ban(self, worker_id: str, reason: str) -> bool:
        """Ban a worker and put its hash on the ban list; False if there is no such worker.

        The worker stays banned when it attests another package: only `unban` ends a ban.
        """
        with self.write() as db:
            worker = self.worker(worker_id)
            if worker is None:
                return False
            sql = "UPDATE workers SET ban_reason = ?, banned_at = ? WHERE worker_id = ?"
            db.execute(sql, (reason, self.now(), worker_id))
            if digest := clean_hash(worker.sha256):
                self.ban_hash(digest, reason)
        return True

    def unban(self, worker_id: str) -> bool:
        """Lift the ban on a worker and on its hash; False if neither is banned."""
        with self.write() as db:
            worker = self.worker(worker_id)
            if worker is None or not worker.banned:
                return False
            db.execute("UPDATE workers SET ban_reason = NULL, banned_at = NULL WHERE worker_id = ?", (worker_id,))
            self.unban_hash(worker.sha256 or "")
        return True

    def ban_hash(self, sha256: str, reason: str, *, source: str = "local-hall") -> None:
        """Put a package hash (64 lowercase hex) on the ban list: every worker with it is banned from now on."""
        with self.write():
            self.put_ban(Ban(sha256=sha256, reason=reason, reported_at=self.now(), source=source))

    def put_ban(self, ban: Ban) -> None:
        """Store a ban list entry. One with the same hash is updated in place: a reader of pages misses none."""
        columns = ("reason", "source", "review_status", "upstream")
        again = ", ".join(f"{column} = excluded.{column}" for column in columns)
        sql = f"INSERT INTO bans VALUES (?, ?, ?, ?, ?, 0) ON CONFLICT (sha256) DO UPDATE SET {again}"
        with self.write() as db:
            db.execute(sql, msgspec.structs.astuple(ban))

    def take_upstream_bans(self, bans: list[Ban], *, whole: bool) -> None:
        """Store an upstream's bans. A `whole` list replaces its previous one; the hall's own entries stay."""
        with self.write() as db:
            new = {ban.sha256: ban for ban in bans}
            known = self.read("SELECT sha256 FROM bans WHERE upstream") if whole else []
            db.executemany("DELETE FROM bans WHERE sha256 = ?", [(row[0],) for row in known if row[0] not in new])
            rows = [msgspec.structs.astuple(ban) for ban in new.values()]
            db.executemany("INSERT OR IGNORE INTO bans VALUES (?, ?, ?, ?, ?, 1)", rows)

    def upstream_ban_count(self) -> int:
        """Return how many bans came from an upstream."""
        count: int = self.read("SELECT count(*) FROM bans WHERE upstream")[0][0]
        return count

    def unban_hash(self, sha256: str) -> bool:
        """Remove a package hash from the ban list; False if it is not on it."""
        with self.write() as db:
            return db.execute("DELETE FROM bans WHERE sha256 = ?", (sha256,)).rowcount > 0

    def bans(self, limit: int | None = None) -> list[Ban]:
        """Return the ban list, newest first; at most `limit` entries of it."""
        sql = f"SELECT {BAN_COLUMNS} FROM bans ORDER BY reported_at DESC, rowid DESC LIMIT ?"
        return [Ban(**dict(row)) for row in self.read(sql, -1 if limit is None else limit)]

    def ban_count(self) -> int:
        """Return how long the ban list is."""
        count: int = self.read("SELECT count(*) FROM bans")[0][0]
        return count

    def is_hash_banned(self, sha256: str) -> bool:
        """Whether a package hash (64 lowercase hex) is on the ban list."""
        return bool(self.read("SELECT 1 FROM bans WHERE sha256 = ?", sha256))

    def ban_tag(self) -> str:
        """Return a tag that changes whenever the ban list does, in this process or another."""
        return f"{self.meta('store_id')}-{self.meta('ban_revision')}"

    def note_ingested(self, namespace: str, decision_id: str, seq: int) -> bool:
        """Note that a decision made elsewhere is the log's row `seq`; False if it is logged already."""
        with self.write() as db:
            row = (namespace, decision_id, seq)
            return db.execute("INSERT OR IGNORE INTO ingested VALUES (?, ?, ?)", row).rowcount > 0

    def report(self, sha256: str, reason: str, evidence_url: str | None, namespace: str) -> str:
        """Store a report of a hash for review (it bans nothing by itself) and return its id."""
        report_id = new_id("rep")
        with self.write() as db:
            row = (report_id, sha256, reason, evidence_url, namespace, self.now())
            db.execute("INSERT INTO reports VALUES (?, ?, ?, ?, ?, ?)", row)
        return report_id


def worker_of(row: sqlite3.Row) -> Worker:
    fields = dict(row)
    fields["capabilities"] = tuple(json.loads(fields["capabilities"]))
    fields["ai_generated"] = bool(fields["ai_generated"])
    return Worker(**fields)


def _statements(script: str) -> Iterator[str]:
    """Yield a script's statements: `executescript` would commit before it starts."""
    statement = ""
    for line in script.strip().splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def hash_key(token: str) -> str:
    """Return what is stored for an API key. A key is long and random, so it can't be guessed from a plain SHA-256."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_id(prefix: str) -> str:
    """Return a new id such as `wkr_3f9c…`."""
    return f"{prefix}_{secrets.token_hex(6)}"


def iso(wall: float) -> str:
    """Return seconds since the epoch as ISO 8601 in UTC."""
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
