"""A hall's store in PostgreSQL, which several halls share."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any, TypeVar

import msgspec

from pyhall_tui.clock import Clock, SystemClock
from pyhall_tui.hall.errors import StoreError
from pyhall_tui.hall.models import Ban, Key, Status, Worker, clean_hash
from pyhall_tui.hall.new_key import new_key
from pyhall_tui.hall.store.ids import hash_key, iso, new_id
from pyhall_tui.hall.store.key_rows import KEY_COLUMNS, every_key, key_of, keys_in_use, row_of
from pyhall_tui.hall.store.key_rows import TABLES as KEY_TABLES
from pyhall_tui.hall.store.postgres import tables
from pyhall_tui.hall.store.postgres.connection import (
    OF_A_COMMAND,
    OF_A_LOOP,
    OF_A_THREAD,
    Connection,
    Patience,
)
from pyhall_tui.hall.store.postgres.halls import PostgresHalls
from pyhall_tui.hall.store.postgres.listener import Listener
from pyhall_tui.hall.store.postgres.log import PostgresLog
from pyhall_tui.hall.store.postgres.memory import PostgresMemory
from pyhall_tui.hall.store.postgres.partitions import FULL, Partitions
from pyhall_tui.hall.store.postgres.rows import BAN_COLUMNS, as_ban, as_worker
from pyhall_tui.hall.store.protocol import Change, Store
from pyhall_tui.hall.store.remembered import GET_WORKER, WORKER_COLUMNS, WORKERS_AND_BANS

_DEFAULTS = "policy_default"
T = TypeVar("T")
_PUT_WORKER = (
    f"INSERT INTO workers ({', '.join(WORKER_COLUMNS)}) VALUES ({', '.join(['%s'] * len(WORKER_COLUMNS))}) "
    f"ON CONFLICT (worker_id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in WORKER_COLUMNS)}"
)

_NOTE_USES = """
INSERT INTO key_uses SELECT * FROM unnest(%s::text[], %s::text[])
ON CONFLICT (key_id) DO UPDATE SET used_at = excluded.used_at
"""


class PostgresStore:
    """A `Store` over one connection; safe to use from several threads and several halls.

    If the server is lost, everything raises `StoreLost` until it is back.

    Args:
        address: `postgresql://…` without a password, which comes from the environment, a service or a password file.
        make: create the tables if there are none.
        clock: the source of the times in it.
        partition_rows: rows of the log that are removed together.
        patience: how long its connection waits.

    Raises:
        StoreError: it can't be opened, is not a store, or is from a newer version.
    """

    def __init__(
        self,
        address: str,
        *,
        make: bool = False,
        clock: Clock | None = None,
        partition_rows: int = FULL,
        patience: Patience = OF_A_COMMAND,
    ) -> None:
        self.path = address
        self._clock, self._partition_rows = clock or SystemClock(), partition_rows
        self._db = Connection(address, make=make, patience=patience)
        self._memory = PostgresMemory(self._db, self._clock)
        self.log = PostgresLog(self._db, self._memory, Partitions(self._db, partition_rows))
        self.halls = PostgresHalls(self._db, self.write)
        self._beside: PostgresStore | None = None
        self._writer: PostgresStore | None = None
        self._making = threading.Lock()  # connecting takes a while, and no reader waits for that

    def close(self) -> None:
        """As `Store` says."""
        with self._making:
            others = [each for each in (self._beside, self._writer) if each is not None]
            self._beside = self._writer = None
        for each in others:
            each.close()
        with self._db.lock:
            if self._memory.listener is not None:
                self._memory.listener.close()
            self.log.close()
            self._memory.close()
            self._db.close()

    @property
    def note(self) -> str | None:
        """As `Store` says."""
        return self._memory.listener.fault if self._memory.listener is not None else None

    def listen(self, heard: Callable[[], object] = lambda: None) -> None:
        """As `Store` says."""
        with self._db.lock:
            if self._memory.listener is None:
                self._memory.listener = Listener(self.path, self._db.parameters, heard)

    def beside(self) -> "PostgresStore":
        """As `Store` says."""
        with self._making:
            if self._beside is None:
                self._beside = self._another()
            return self._beside

    def _another(self) -> "PostgresStore":
        return PostgresStore(self.path, clock=self._clock, partition_rows=self._partition_rows, patience=OF_A_THREAD)

    async def change_beside(self, change: Callable[[Store], T]) -> T:
        """As `Store` says: on a connection that nobody reads with, as it waits for other halls' decisions."""
        try:
            return await asyncio.to_thread(lambda: change(self._to_write()))
        finally:
            self._memory.changed_here()

    async def state_beside(self) -> PostgresMemory:
        """As `Store` says."""
        await self._memory.look_beside()
        return self._memory

    async def know_beside(self, worker_id: str) -> None:
        """As `Store` says."""
        await self._memory.know_beside(worker_id)

    def _to_write(self) -> "PostgresStore":
        with self._making:
            if self._writer is None:
                self._writer = self._another()
            return self._writer

    def serve(self) -> None:
        """As `Store` says."""
        self._db.wait_for(OF_A_LOOP)

    def checkpoint(self) -> None:
        """As `Store` says: the log's last partition gets an end once it is full."""
        with suppress(StoreError):  # somebody reads the log: it is tried again
            self.beside().log.close_full()  # nobody waits for its lock on this one

    def now(self) -> str:
        """As `Store` says."""
        return iso(self._clock.now().wall)

    def state(self) -> PostgresMemory:
        """As `Store` says."""
        self._memory.look()
        return self._memory

    @contextmanager
    def write(self) -> Iterator[None]:
        """As `Store` says."""
        with self._changing():
            yield

    @contextmanager
    def _changing(self) -> Iterator[Connection]:
        """A transaction that may change anything; the next look drops from memory what it changed."""
        with self._db.lock:
            self._memory.undecided += 1
            try:
                with self._db.transaction():
                    yield self._db
            finally:
                self._memory.changed_here()
                self._memory.undecided -= 1

    def not_waiting(self) -> AbstractContextManager[None]:
        """As `Store` says: other halls write all the time, and each waits its turn, which is soon."""
        return nullcontext()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """As `Store` says."""
        with self._db.snapshot():
            yield

    def setting(self, name: str) -> str | None:
        """As `Store` says."""
        value: str | None = self._db.value("SELECT value FROM meta WHERE name = %s", name)
        return value

    def set_setting(self, name: str, value: str) -> None:
        """As `Store` says."""
        with self._changing() as db:
            sql = "INSERT INTO meta VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
            db.change(sql, name, value)

    # Keys

    def add_key(self, namespace: str, label: str = "", token: str | None = None, *, scopes: Sequence[str] = ()) -> str:
        """As `Store` says."""
        token = token or new_key()
        made = Key(key_id=new_id("key"), key_hash=hash_key(token), namespace=namespace, label=label, scopes=(*scopes,))
        self.put_key(msgspec.structs.replace(made, created_at=self.now()))
        return token

    def put_key(self, key: Key) -> None:
        """As `Store` says."""
        with self._changing() as db:
            tables.put_row(db, *row_of(key))

    def find_key(self, token: str) -> Key | None:
        """As `Store` says."""
        return self.state().key(token)

    def all_keys(self) -> list[Key]:
        """As `Store` says."""
        sql = f"SELECT {KEY_COLUMNS} FROM ({every_key('number')}) AS every ORDER BY created_at, scopes, number"
        return [key_of(row) for row in self._db.read(sql)]

    def keys_in_use(self, namespace: str, most: int) -> list[tuple[Key, str | None]]:
        """As `Store` says."""
        rows = self._db.read(keys_in_use("number", "%s"), namespace, most)
        return [(key_of(tuple(row)[:-1]), row[-1]) for row in rows]

    def revoke_key(self, key_id: str) -> bool:
        """As `Store` says."""
        with self._changing() as db:
            sql = "UPDATE {} SET revoked_at = %s WHERE key_id = %s AND revoked_at IS NULL"
            return sum(db.change(sql.format(table), self.now(), key_id) for table in KEY_TABLES) > 0

    def note_key_uses(self, uses: Mapping[str, float]) -> None:
        """As `Store` says. In the order of the ids: two halls that note the same keys don't wait for each other."""
        ids = sorted(uses)
        self._db.change(_NOTE_USES, ids, [iso(uses[key_id]) for key_id in ids])

    def key_uses(self) -> dict[str, str]:
        """As `Store` says."""
        return dict(map(tuple, self._db.read("SELECT key_id, used_at FROM key_uses")))

    # Workers

    def put_worker(self, worker: Worker) -> Worker:
        """As `Store` says."""
        worker.enrolled_at = worker.enrolled_at or self.now()
        fields = {name: getattr(worker, name) for name in WORKER_COLUMNS}
        fields |= {"capabilities": json.dumps(worker.capabilities), "ai_generated": int(worker.ai_generated)}
        with self._changing() as db:
            db.change(_PUT_WORKER, *fields.values())
        return worker

    def worker(self, worker_id: str) -> Worker | None:
        """As `Store` says."""
        return self.state().worker(worker_id)

    def workers(self, namespace: str | None = None) -> list[Worker]:
        """As `Store` says."""
        where, values = ("WHERE w.namespace = %s", (namespace,)) if namespace else ("", ())
        rows = self._db.read(f"{GET_WORKER} {where} ORDER BY w.enrolled_at, w.worker_id", *values)
        return [as_worker(row) for row in rows]

    def workers_after(self, after: Worker | None, most: int, namespace: str | None = None) -> list[Worker]:
        """As `Store` says."""
        where, values = ("w.namespace = %s AND", (namespace,)) if namespace else ("", ())
        start = (after.enrolled_at, after.worker_id) if after else ("", "")
        sql = (
            f"{GET_WORKER} WHERE {where} (w.enrolled_at, w.worker_id) > (%s, %s) "
            "ORDER BY w.enrolled_at, w.worker_id LIMIT %s"
        )
        return [as_worker(row) for row in self._db.read(sql, *values, *start, most)]

    def worker_counts(self, namespace: str | None = None) -> tuple[int, int]:
        """As `Store` says."""
        where, values = ("WHERE w.namespace = %s", (namespace,)) if namespace else ("", ())
        sql = f"SELECT count(*), count(coalesce(w.ban_reason, b.sha256)) FROM {WORKERS_AND_BANS} {where}"
        ((workers, banned),) = self._db.read(sql, *values)
        return workers, banned

    def workers_named(self, worker_ids: Sequence[str]) -> list[Worker]:
        """As `Store` says."""
        rows = self._db.read(f"{GET_WORKER} WHERE w.worker_id = ANY(%s::text[])", list(worker_ids))
        return [as_worker(row) for row in rows]

    def perhaps_amiss(self, namespace: str | None, most: int) -> list[Worker]:
        """As `Store` says."""
        amiss = (
            "(w.ban_reason IS NOT NULL OR b.sha256 IS NOT NULL OR (w.status = 'active' "
            "AND (w.attested_at IS NULL OR w.sha256 IS NULL OR length(w.sha256) <> 64)))"
        )
        where, values = ("AND w.namespace = %s", (namespace,)) if namespace else ("", ())
        order = "ORDER BY b.sha256 IS NULL, w.number LIMIT %s"
        return [as_worker(row) for row in self._db.read(f"{GET_WORKER} WHERE {amiss} {where} {order}", *values, most)]

    def attest(self, worker_id: str, sha256: str, *, active_only: bool = True, **ai: Any) -> bool:
        """As `Store` says."""
        sets = "".join(f", {name} = %s" for name in ai)
        values = [int(value) if isinstance(value, bool) else value for value in ai.values()]
        alive = " AND status = 'active'" if active_only else ""
        with self._changing() as db:
            sql = f"UPDATE workers SET sha256 = %s, attested_at = %s{sets} WHERE worker_id = %s{alive}"
            return db.change(sql, sha256, self.now(), *values, worker_id) > 0

    def withdraw(self, worker_id: str) -> bool:
        """As `Store` says."""
        with self._changing() as db:
            return db.change("UPDATE workers SET sha256 = NULL, attested_at = NULL WHERE worker_id = %s", worker_id) > 0

    def set_status(self, worker_id: str, status: Status) -> bool:
        """As `Store` says."""
        with self._changing() as db:
            return db.change("UPDATE workers SET status = %s WHERE worker_id = %s", status, worker_id) > 0

    # Bans

    def ban(self, worker_id: str, reason: str) -> bool:
        """As `Store` says."""
        with self._changing() as db:
            worker = self.worker(worker_id)
            if worker is None:
                return False
            sql = "UPDATE workers SET ban_reason = %s, banned_at = %s WHERE worker_id = %s"
            db.change(sql, reason, self.now(), worker_id)
            if digest := clean_hash(worker.sha256):
                self.ban_hash(digest, reason)
        return True

    def unban(self, worker_id: str) -> bool:
        """As `Store` says."""
        with self._changing() as db:
            worker = self.worker(worker_id)
            if worker is None or not worker.banned:
                return False
            db.change("UPDATE workers SET ban_reason = NULL, banned_at = NULL WHERE worker_id = %s", worker_id)
            self.unban_hash(worker.sha256 or "")
        return True

    def ban_hash(self, sha256: str, reason: str, *, source: str = "local-hall") -> None:
        """As `Store` says."""
        self.put_ban(Ban(sha256=sha256, reason=reason, reported_at=self.now(), source=source))

    def put_ban(self, ban: Ban) -> None:
        """As `Store` says."""
        columns = ("reason", "source", "review_status", "upstream")
        again = ", ".join(f"{column} = excluded.{column}" for column in columns)
        sql = (
            f"INSERT INTO bans ({BAN_COLUMNS}, upstream) VALUES (%s, %s, %s, %s, %s, 0) "
            f"ON CONFLICT (sha256) DO UPDATE SET {again}"
        )
        with self._changing() as db:
            db.change(sql, *(getattr(ban, name) for name in Ban.__struct_fields__))

    def upstream_bans(self) -> set[str]:
        """As `Store` says."""
        return {sha256 for (sha256,) in self._db.read("SELECT sha256 FROM bans WHERE upstream <> 0")}

    def missing_bans(self, bans: Iterable[Ban]) -> list[Ban]:
        """As `Store` says."""
        asked = {ban.sha256: ban for ban in bans}
        for (there,) in self._db.read("SELECT sha256 FROM bans WHERE sha256 = ANY(%s::text[])", list(asked)):
            del asked[there]
        return list(asked.values())

    def add_upstream_bans(self, bans: Sequence[Ban]) -> None:
        """As `Store` says."""
        columns = [[getattr(ban, name) for ban in bans] for name in Ban.__struct_fields__]
        sql = (
            f"INSERT INTO bans ({BAN_COLUMNS}, upstream) SELECT added.*, 1 FROM "
            "unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[]) AS added ON CONFLICT DO NOTHING"
        )
        with self._changing() as db:
            db.change(sql, *columns)

    def drop_upstream_bans(self, hashes: Sequence[str]) -> None:
        """As `Store` says."""
        with self._changing() as db:
            db.change("DELETE FROM bans WHERE sha256 = ANY(%s::text[]) AND upstream <> 0", list(hashes))

    def unban_hash(self, sha256: str) -> bool:
        """As `Store` says."""
        with self._changing() as db:
            return db.change("DELETE FROM bans WHERE sha256 = %s", sha256) > 0

    def bans(self, limit: int | None = None) -> list[Ban]:
        """As `Store` says."""
        sql = f"SELECT {BAN_COLUMNS} FROM bans ORDER BY reported_at DESC, number DESC LIMIT %s"
        return [as_ban(row) for row in self._db.read(sql, limit)]

    def bans_after(self, after: tuple[Any, ...] | None, most: int) -> tuple[list[Ban], tuple[Any, ...] | None]:
        """As `Store` says."""
        where = "WHERE (reported_at, number) < (%s, %s)" if after else ""
        sql = f"SELECT number, {BAN_COLUMNS} FROM bans {where} ORDER BY reported_at DESC, number DESC LIMIT %s"
        found = self._db.read(sql, *(after or ()), most)
        bans = [as_ban(row[1:]) for row in found]
        return bans, (bans[-1].reported_at, found[-1][0]) if len(found) == most else None

    def ban_count(self) -> int:
        """As `Store` says."""
        count: int = self._db.value("SELECT count(*) FROM bans")
        return count

    def is_hash_banned(self, sha256: str) -> bool:
        """As `Store` says."""
        return bool(self._db.read("SELECT 1 FROM bans WHERE sha256 = %s", sha256))

    def bans_of(self, hashes: Sequence[str]) -> list[Ban]:
        """As `Store` says."""
        sql = f"SELECT {BAN_COLUMNS} FROM bans WHERE sha256 = ANY(%s::text[])"
        return [as_ban(row) for row in self._db.read(sql, list(hashes))]

    def ban_tag(self) -> str:
        """As `Store` says."""
        return f"{self.setting('store_id')}-{self.setting('ban_revision')}"

    def report(self, sha256: str, reason: str, evidence_url: str | None, namespace: str) -> str:
        """As `Store` says."""
        report_id = new_id("rep")
        sql = (
            "INSERT INTO reports (report_id, sha256, reason, evidence_url, namespace, reported_at) "
            "VALUES (%s, %s, %s, %s, %s, %s)"
        )
        with self._changing() as db:
            db.change(sql, report_id, sha256, reason, evidence_url, namespace, self.now())
        return report_id

    # Changes

    def revision(self) -> int:
        """As `Store` says."""
        revision: int = self._db.value("SELECT revision FROM head")
        return revision

    def changes(self, after: int, most: int) -> list[Change] | None:
        """As `Store` says: here, all that one statement changes has the same revision."""
        return self._memory.changes(after, most)

    # The policy

    def put_rules(self, rules: Sequence[str], defaults: str) -> None:
        """As `Store` says."""
        with self._changing() as db:
            db.change("DELETE FROM rules")
            positions = list(range(len(rules)))
            db.change("INSERT INTO rules SELECT * FROM unnest(%s::int[], %s::text[])", positions, list(rules))
            self.set_setting(_DEFAULTS, defaults)
            self.set_setting("policy_revision", str(int(self.setting("policy_revision") or 0) + 1))

    def rules(self) -> tuple[list[str], str]:
        """As `Store` says."""
        with self.snapshot():
            rows = self._db.read("SELECT rule FROM rules ORDER BY position")
            return [rule for (rule,) in rows], self.setting(_DEFAULTS) or "{}"

    # A copy

    def rows_beside_the_log(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """As `Store` says."""
        return tables.rows_beside_the_log(self._db)

    def is_empty(self) -> bool:
        """As `Store` says."""
        return tables.is_empty(self._db)

    def put_row(self, table: str, row: dict[str, Any]) -> None:
        """As `Store` says."""
        with self._changing():
            tables.put_row(self._db, table, row)
