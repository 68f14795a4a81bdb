"""A hall's store in SQLite: a WAL file, or memory."""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from pyhall_tui.clock import Clock, SystemClock
from pyhall_tui.hall.errors import StoreBusy
from pyhall_tui.hall.models import Ban, Key, Status, Worker, clean_hash
from pyhall_tui.hall.new_key import new_key
from pyhall_tui.hall.store import tables
from pyhall_tui.hall.store.database import MEMORY, OF_A_COMMAND, OF_A_LOOP, Database
from pyhall_tui.hall.store.ids import hash_key, iso, new_id
from pyhall_tui.hall.store.key_rows import KEY_COLUMNS, every_key, key_of, keys_in_use, row_of
from pyhall_tui.hall.store.key_rows import TABLES as KEY_TABLES
from pyhall_tui.hall.store.protocol import Change, Store
from pyhall_tui.hall.store.remembered import GET_WORKER, WORKER_COLUMNS, WORKERS_AND_BANS, worker_of
from pyhall_tui.hall.store.sqlite_halls import SqliteHalls
from pyhall_tui.hall.store.sqlite_log import SqliteLog
from pyhall_tui.hall.store.sqlite_memory import SqliteMemory

_DEFAULTS = "policy_default"
_ASKED_AT_ONCE = 500
_AGAIN = 0.02  # seconds between two attempts to write while another process holds the file
T = TypeVar("T")
_BAN_COLUMNS = ", ".join(Ban.__struct_fields__)
_PUT_WORKER = (
    f"INSERT INTO workers ({', '.join(WORKER_COLUMNS)}) VALUES ({', '.join('?' * len(WORKER_COLUMNS))}) "
    f"ON CONFLICT (worker_id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in WORKER_COLUMNS)}"
)


class SqliteStore:
    """A `Store` over one connection; safe to use from several threads, and from several processes if it is a file.

    Args:
        path: the SQLite file, created (mode 0600) if missing; `MEMORY` for a store that leaves nothing behind.
        clock: the source of the times in it.

    Raises:
        StoreError: the file can't be opened, is not a store, or is from a newer version.
    """

    def __init__(self, path: Path | str = MEMORY, *, clock: Clock | None = None) -> None:
        self.path = str(path)
        self._clock = clock or SystemClock()
        self._db = Database(path)
        self.note = self._db.note
        self._memory = SqliteMemory(self._db)
        self.log = SqliteLog(self._db, self._memory)
        self.halls = SqliteHalls(self, self._clock)
        self._beside: SqliteStore | None = None

    def close(self) -> None:
        """As `Store` says."""
        with self._db.lock:
            if self._beside is not None:
                self._beside.close()
            self._db.close()

    def beside(self) -> "SqliteStore":
        """As `Store` says."""
        with self._db.lock:
            if self._db.alone:
                return self
            if self._beside is None:
                self._beside = SqliteStore(self.path, clock=self._clock)
            return self._beside

    def listen(self, heard: Callable[[], object] = lambda: None) -> None:
        """As `Store` says: the file itself says at once whether anybody has written."""

    def checkpoint(self) -> None:
        """As `Store` says."""
        self._db.checkpoint()

    def now(self) -> str:
        """As `Store` says."""
        return iso(self._clock.now().wall)

    def state(self) -> SqliteMemory:
        """As `Store` says."""
        self._memory.look()
        return self._memory

    @contextmanager
    def write(self) -> Iterator[None]:
        """As `Store` says."""
        with self._changing():
            yield

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that may change anything; afterwards the cache drops what it changed."""
        with self._db.lock:
            self._memory.undecided += 1
            self.log.forget_head()
            try:
                with self._db.transaction() as db:
                    yield db
                if self._memory.undecided == 1:
                    self._memory.catch_up()
            finally:
                self._memory.undecided -= 1

    def not_waiting(self) -> AbstractContextManager[None]:
        """As `Store` says."""
        return self._db.not_waiting()

    async def state_beside(self) -> SqliteMemory:
        """As `Store` says: a file is read at once."""
        return self.state()

    async def know_beside(self, worker_id: str) -> None:
        """As `Store` says: it is read when it is asked for."""

    async def change_beside(self, change: Callable[[Store], T]) -> T:
        """As `Store` says."""
        loop = asyncio.get_running_loop()
        end = loop.time() + OF_A_COMMAND
        while True:
            try:
                with self.not_waiting():
                    return change(self)
            except StoreBusy:
                if loop.time() > end:
                    raise
            await asyncio.sleep(_AGAIN)

    def serve(self) -> None:
        """As `Store` says."""
        self._db.wait_for(OF_A_LOOP)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """As `Store` says."""
        with self._db.snapshot():
            yield

    def setting(self, name: str) -> str | None:
        """As `Store` says."""
        value: str | None = self._db.value("SELECT value FROM meta WHERE name = ?", name)
        return value

    def set_setting(self, name: str, value: str) -> None:
        """As `Store` says."""
        with self._changing() as db:
            db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    # Keys

    def add_key(self, namespace: str, label: str = "", token: str | None = None, *, scopes: Sequence[str] = ()) -> str:
        """As `Store` says."""
        token = token or new_key()
        made = Key(key_id=new_id("key"), key_hash=hash_key(token), namespace=namespace, label=label, scopes=(*scopes,))
        self.put_key(msgspec.structs.replace(made, created_at=self.now()))
        return token

    def put_key(self, key: Key) -> None:
        """As `Store` says."""
        table, row = row_of(key)
        sql, values = tables.put(table, row)
        with self._changing() as db:
            self._drop_key(db, row)
            db.execute(sql, values)

    def _drop_key(self, db: sqlite3.Connection, row: dict[str, Any]) -> None:
        """Make room for a key's row, whichever table its predecessor is in."""
        for table in KEY_TABLES:
            db.execute(f"DELETE FROM {table} WHERE key_id = ? OR key_hash = ?", (row["key_id"], row["key_hash"]))

    def find_key(self, token: str) -> Key | None:
        """As `Store` says."""
        return self.state().key(token)

    def all_keys(self) -> list[Key]:
        """As `Store` says."""
        sql = f"SELECT {KEY_COLUMNS} FROM ({every_key('rowid')}) ORDER BY created_at, scopes, number"
        return [key_of(row) for row in self._db.read(sql)]

    def keys_in_use(self, namespace: str, most: int) -> list[tuple[Key, str | None]]:
        """As `Store` says."""
        rows = self._db.read(keys_in_use("rowid", "?"), namespace, most)
        return [(key_of(tuple(row)[:-1]), row[-1]) for row in rows]

    def revoke_key(self, key_id: str) -> bool:
        """As `Store` says."""
        with self._changing() as db:
            sql = "UPDATE {} SET revoked_at = ? WHERE key_id = ? AND revoked_at IS NULL"
            return sum(db.execute(sql.format(table), (self.now(), key_id)).rowcount for table in KEY_TABLES) > 0

    def note_key_uses(self, uses: Mapping[str, float]) -> None:
        """As `Store` says."""
        rows = [(key_id, iso(wall)) for key_id, wall in uses.items()]
        with self._db.not_waiting(), self._db.transaction() as db:
            db.executemany("INSERT OR REPLACE INTO key_uses VALUES (?, ?)", rows)

    def key_uses(self) -> dict[str, str]:
        """As `Store` says."""
        return dict(map(tuple, self._db.read("SELECT key_id, used_at FROM key_uses")))

    # Workers

    def put_worker(self, worker: Worker) -> Worker:
        """As `Store` says."""
        worker.enrolled_at = worker.enrolled_at or self.now()
        row = [getattr(worker, column) for column in WORKER_COLUMNS]
        row[WORKER_COLUMNS.index("capabilities")] = json.dumps(worker.capabilities)
        with self._changing() as db:
            db.execute(_PUT_WORKER, row)
        return worker

    def worker(self, worker_id: str) -> Worker | None:
        """As `Store` says."""
        return self.state().worker(worker_id)

    def workers(self, namespace: str | None = None) -> list[Worker]:
        """As `Store` says."""
        where, values = ("WHERE w.namespace = ?", (namespace,)) if namespace else ("", ())
        return [
            worker_of(dict(row))
            for row in self._db.read(f"{GET_WORKER} {where} ORDER BY w.enrolled_at, w.worker_id", *values)
        ]

    def workers_after(self, after: Worker | None, most: int, namespace: str | None = None) -> list[Worker]:
        """As `Store` says."""
        where, values = ("w.namespace = ? AND", (namespace,)) if namespace else ("", ())
        start = (after.enrolled_at, after.worker_id) if after else ("", "")
        sql = (
            f"{GET_WORKER} WHERE {where} (w.enrolled_at, w.worker_id) > (?, ?) "
            "ORDER BY w.enrolled_at, w.worker_id LIMIT ?"
        )
        return [worker_of(dict(row)) for row in self._db.read(sql, *values, *start, most)]

    def worker_counts(self, namespace: str | None = None) -> tuple[int, int]:
        """As `Store` says."""
        where, values = ("WHERE w.namespace = ?", (namespace,)) if namespace else ("", ())
        sql = f"SELECT count(*), count(coalesce(w.ban_reason, b.sha256)) FROM {WORKERS_AND_BANS} {where}"
        found = self._db.read(sql, *values)[0]
        return found[0], found[1]

    def workers_named(self, worker_ids: Sequence[str]) -> list[Worker]:
        """As `Store` says."""
        return [worker_of(dict(row)) for row in self._of_many(f"{GET_WORKER} WHERE w.worker_id IN ", worker_ids)]

    def _of_many(self, sql: str, keys: Sequence[str]) -> Iterator[sqlite3.Row]:
        """Yield the rows of a query that ends with `IN`, for these keys."""
        for start in range(0, len(keys), _ASKED_AT_ONCE):
            some = keys[start : start + _ASKED_AT_ONCE]
            yield from self._db.read(f"{sql}({', '.join('?' * len(some))})", *some)

    def perhaps_amiss(self, namespace: str | None, most: int) -> list[Worker]:
        """As `Store` says."""
        amiss = (
            "(w.ban_reason IS NOT NULL OR b.sha256 IS NOT NULL OR (w.status = 'active' "
            "AND (w.attested_at IS NULL OR w.sha256 IS NULL OR length(w.sha256) <> 64)))"
        )
        where, values = ("AND w.namespace = ?", (namespace,)) if namespace else ("", ())
        rows = self._db.read(f"{GET_WORKER} WHERE {amiss} {where} ORDER BY b.sha256 IS NULL LIMIT ?", *values, most)
        return [worker_of(dict(row)) for row in rows]

    def attest(self, worker_id: str, sha256: str, *, active_only: bool = True, **ai: Any) -> bool:
        """As `Store` says."""
        sets = "".join(f", {name} = ?" for name in ai)
        alive = " AND status = 'active'" if active_only else ""
        with self._changing() as db:
            sql = f"UPDATE workers SET sha256 = ?, attested_at = ?{sets} WHERE worker_id = ?{alive}"
            return db.execute(sql, (sha256, self.now(), *ai.values(), worker_id)).rowcount > 0

    def withdraw(self, worker_id: str) -> bool:
        """As `Store` says."""
        with self._changing() as db:
            sql = "UPDATE workers SET sha256 = NULL, attested_at = NULL WHERE worker_id = ?"
            return db.execute(sql, (worker_id,)).rowcount > 0

    def set_status(self, worker_id: str, status: Status) -> bool:
        """As `Store` says."""
        with self._changing() as db:
            sql = "UPDATE workers SET status = ? WHERE worker_id = ?"
            return db.execute(sql, (status, worker_id)).rowcount > 0

    # Bans

    def ban(self, worker_id: str, reason: str) -> bool:
        """As `Store` says."""
        with self._changing() as db:
            worker = self.worker(worker_id)
            if worker is None:
                return False
            sql = "UPDATE workers SET ban_reason = ?, banned_at = ? WHERE worker_id = ?"
            db.execute(sql, (reason, self.now(), worker_id))
            if digest := clean_hash(worker.sha256):
                self.ban_hash(digest, reason)
        return True

    def unban(self, worker_id: str) -> bool:
        """As `Store` says."""
        with self._changing() as db:
            worker = self.worker(worker_id)
            if worker is None or not worker.banned:
                return False
            db.execute("UPDATE workers SET ban_reason = NULL, banned_at = NULL WHERE worker_id = ?", (worker_id,))
            self.unban_hash(worker.sha256 or "")
        return True

    def ban_hash(self, sha256: str, reason: str, *, source: str = "local-hall") -> None:
        """As `Store` says."""
        with self.write():
            self.put_ban(Ban(sha256=sha256, reason=reason, reported_at=self.now(), source=source))

    def put_ban(self, ban: Ban) -> None:
        """As `Store` says."""
        columns = ("reason", "source", "review_status", "upstream")
        again = ", ".join(f"{column} = excluded.{column}" for column in columns)
        sql = f"INSERT INTO bans VALUES (?, ?, ?, ?, ?, 0) ON CONFLICT (sha256) DO UPDATE SET {again}"
        with self._changing() as db:
            db.execute(sql, msgspec.structs.astuple(ban))

    def upstream_bans(self) -> set[str]:
        """As `Store` says."""
        return {row[0] for row in self._db.read("SELECT sha256 FROM bans WHERE upstream")}

    def missing_bans(self, bans: Iterable[Ban]) -> list[Ban]:
        """As `Store` says."""
        asked = {ban.sha256: ban for ban in bans}
        for (there,) in self._of_many("SELECT sha256 FROM bans WHERE sha256 IN ", list(asked)):
            del asked[there]
        return list(asked.values())

    def add_upstream_bans(self, bans: Sequence[Ban]) -> None:
        """As `Store` says."""
        with self._changing() as db:
            rows = [msgspec.structs.astuple(ban) for ban in bans]
            db.executemany("INSERT OR IGNORE INTO bans VALUES (?, ?, ?, ?, ?, 1)", rows)

    def drop_upstream_bans(self, hashes: Sequence[str]) -> None:
        """As `Store` says."""
        with self._changing() as db:
            db.executemany("DELETE FROM bans WHERE sha256 = ? AND upstream", [(sha256,) for sha256 in hashes])

    def unban_hash(self, sha256: str) -> bool:
        """As `Store` says."""
        with self._changing() as db:
            return db.execute("DELETE FROM bans WHERE sha256 = ?", (sha256,)).rowcount > 0

    def bans(self, limit: int | None = None) -> list[Ban]:
        """As `Store` says."""
        sql = f"SELECT {_BAN_COLUMNS} FROM bans ORDER BY reported_at DESC, rowid DESC LIMIT ?"
        return [Ban(**dict(row)) for row in self._db.read(sql, -1 if limit is None else limit)]

    def bans_after(self, after: tuple[Any, ...] | None, most: int) -> tuple[list[Ban], tuple[Any, ...] | None]:
        """As `Store` says."""
        where = "WHERE (reported_at, rowid) < (?, ?)" if after else ""
        sql = f"SELECT rowid, {_BAN_COLUMNS} FROM bans {where} ORDER BY reported_at DESC, rowid DESC LIMIT ?"
        found = self._db.read(sql, *(after or ()), most)
        last = (found[-1]["reported_at"], found[-1]["rowid"]) if len(found) == most else None
        return [Ban(**{name: row[name] for name in Ban.__struct_fields__}) for row in found], last

    def ban_count(self) -> int:
        """As `Store` says."""
        count: int = self._db.value("SELECT count(*) FROM bans")
        return count

    def is_hash_banned(self, sha256: str) -> bool:
        """As `Store` says."""
        return bool(self._db.read("SELECT 1 FROM bans WHERE sha256 = ?", sha256))

    def bans_of(self, hashes: Sequence[str]) -> list[Ban]:
        """As `Store` says."""
        rows = self._of_many(f"SELECT {_BAN_COLUMNS} FROM bans WHERE sha256 IN ", hashes)
        return [Ban(**dict(row)) for row in rows]

    def ban_tag(self) -> str:
        """As `Store` says."""
        return f"{self.setting('store_id')}-{self.setting('ban_revision')}"

    def report(self, sha256: str, reason: str, evidence_url: str | None, namespace: str) -> str:
        """As `Store` says."""
        report_id = new_id("rep")
        with self._changing() as db:
            row = (report_id, sha256, reason, evidence_url, namespace, self.now())
            db.execute("INSERT INTO reports VALUES (?, ?, ?, ?, ?, ?)", row)
        return report_id

    # Changes

    def revision(self) -> int:
        """As `Store` says."""
        return self._memory.last_revision()

    def changes(self, after: int, most: int) -> list[Change] | None:
        """As `Store` says: here, each change has a revision of its own."""
        with self._db.snapshot():
            last = self._memory.last_revision()
            sql = "SELECT revision, what, key, how FROM changes WHERE revision > ? AND revision <= ? ORDER BY revision"
            found = [Change(*row) for row in self._db.read(sql, after, after + most)]
        return found if len(found) == min(most, last - after) else None

    # The policy

    def put_rules(self, rules: Sequence[str], defaults: str) -> None:
        """As `Store` says."""
        with self._changing() as db:
            db.execute("DELETE FROM rules")
            db.executemany("INSERT INTO rules VALUES (?, ?)", enumerate(rules))
            self.set_setting(_DEFAULTS, defaults)
            self.set_setting("policy_revision", str(int(self.setting("policy_revision") or 0) + 1))

    def rules(self) -> tuple[list[str], str]:
        """As `Store` says."""
        with self.snapshot():
            rows = self._db.read("SELECT rule FROM rules ORDER BY position")
            return [row[0] for row in rows], self.setting(_DEFAULTS) or "{}"

    # A copy

    def rows_beside_the_log(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """As `Store` says."""
        for table in tables.COPIED:
            if table != tables.LOG:
                for row in self._db.stream(tables.read_all(table)):
                    if not tables.is_own(table, row):
                        yield table, dict(row)

    def is_empty(self) -> bool:
        """As `Store` says."""
        return not any(self._db.read(f"SELECT 1 FROM {table} LIMIT 1") for table in tables.COPIED if table != "meta")

    def put_row(self, table: str, row: dict[str, Any]) -> None:
        """As `Store` says."""
        sql, values = tables.put(table, row)
        with self._changing() as db:
            try:
                if table in KEY_TABLES:
                    self._drop_key(db, row)
                db.execute(sql, values)
            except sqlite3.Error as error:
                raise ValueError(str(error)) from None
