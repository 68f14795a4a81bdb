"""Caches what decisions need from a SQLite file: read once, and again after a change.

The file itself notes its changes, whoever makes them (`schema`). So another process's write costs one check, and only
what it changed is read again: another hall that writes decisions doesn't empty the cache.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable
from typing import TypeVar

from pyhall_tui.hall.errors import StoreError
from pyhall_tui.hall.models import Key, Worker
from pyhall_tui.hall.store.database import Database
from pyhall_tui.hall.store.ids import hash_key
from pyhall_tui.hall.store.protocol import KeptRate

_MOST = 20_000  # cached keys, workers, and workers with rates: the one read first is dropped first
_NEVER = -1
T = TypeVar("T")

WORKER_COLUMNS = tuple(f for f in Worker.__struct_fields__ if f != "hash_ban_reason")
WORKERS_AND_BANS = "workers w LEFT JOIN bans b ON b.sha256 = w.sha256"
GET_WORKER = (
    f"SELECT {', '.join('w.' + c for c in WORKER_COLUMNS)}, b.reason AS hash_ban_reason FROM {WORKERS_AND_BANS}"
)


def worker_of(row: sqlite3.Row) -> Worker:
    """Return a worker as `GET_WORKER` reads it."""
    fields = dict(row)
    fields["capabilities"] = tuple(json.loads(fields["capabilities"]))
    fields["ai_generated"] = bool(fields["ai_generated"])
    return Worker(**fields)


class Remembered:
    """A `State` over one connection. What is not cached is read; what doesn't exist is looked up each time.

    Within a transaction that changes more than the log, everything is read, because it may be rolled back.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self.undecided = 0
        """How many such transactions are open, nested in each other."""
        self.elsewhere = _NEVER
        """The number of the last processed write of another process."""
        self._revision = _NEVER
        self._keys: dict[str, Key] = {}
        self._workers: dict[str, Worker] = {}
        self._rates: dict[str, dict[str, KeptRate | None]] = {}
        self._policy: dict[str, str] = {}

    # Questions

    def key(self, token: str) -> Key | None:
        """As `State` says."""
        return self._get(self._keys, hash_key(token), self._read_key)

    def worker(self, worker_id: str) -> Worker | None:
        """As `State` says."""
        return self._get(self._workers, worker_id, self._read_worker)

    def rate(self, rule: str, worker_id: str) -> KeptRate | None:
        """As `State` says."""
        of_worker = self._get(self._rates, worker_id, lambda _: {}) or {}
        if rule not in of_worker:
            with self._db.lock:
                of_worker[rule] = self._read_rate(rule, worker_id)
        return of_worker[rule]

    def policy_revision(self) -> str | None:
        """As `State` says."""
        return self._get(self._policy, "", self._read_policy_revision)

    def _get(self, memory: dict[str, T], key: str, read: Callable[[str], T | None]) -> T | None:
        if not self.undecided and (known := memory.get(key)) is not None:
            return known
        with self._db.lock:  # until it is cached: nobody changes it in between
            found = read(key)
            if found is not None and not self.undecided:
                memory[key] = found
                if len(memory) > _MOST:
                    del memory[next(iter(memory))]
            return found

    def _read_key(self, hashed: str) -> Key | None:
        rows = self._db.read("SELECT * FROM keys WHERE key_hash = ? AND revoked_at IS NULL", hashed)
        return Key(**dict(rows[0])) if rows else None

    def _read_worker(self, worker_id: str) -> Worker | None:
        rows = self._db.read(f"{GET_WORKER} WHERE w.worker_id = ?", worker_id)
        return worker_of(rows[0]) if rows else None

    def _read_rate(self, rule: str, worker_id: str) -> KeptRate | None:
        rows = self._db.read("SELECT * FROM rates WHERE rule = ? AND worker_id = ?", rule, worker_id)
        if not rows:
            return None
        kept = KeptRate(*rows[0])
        if not isinstance(kept.allowed, bytes):
            raise StoreError("the rates already used can't be read from the hall's store")
        return kept

    def _read_policy_revision(self, _: str) -> str | None:
        revision: str | None = self._db.value("SELECT value FROM meta WHERE name = 'policy_revision'")
        return revision

    # Changes

    def look(self) -> None:
        """Apply what another process has written since.

        Not within a transaction that changes more than the log: its own changes have numbers too, which the file gives
        to others' changes if it is rolled back.
        """
        with self._db.lock:
            if self.undecided:
                return
            elsewhere = self._db.written_elsewhere()
            if elsewhere != self.elsewhere:
                self.catch_up()
                self.elsewhere = elsewhere

    def catch_up(self) -> None:
        """Drop what has changed, whoever changed it."""
        with self._db.lock:
            last = self.last_revision()
            if last == self._revision:
                return
            changed = self._db.read("SELECT what, key FROM changes WHERE revision > ?", self._revision)
            if self._revision == _NEVER or len(changed) != last - self._revision:  # it is too far behind
                self.forget_all()
            else:
                self._forget(changed)
            self._revision = last

    def last_revision(self) -> int:
        """Return the number of the newest change that the file has noted."""
        last: int | None = self._db.value("SELECT max(revision) FROM changes")
        return last or 0

    def forget_all(self) -> None:
        """Drop everything."""
        for memory in (self._keys, self._workers, self._rates, self._policy):
            memory.clear()

    def _forget(self, changed: list[sqlite3.Row]) -> None:
        banned = set()
        for what, key in changed:
            if what == "worker":
                self._workers.pop(key, None)
            elif what == "rate":
                self._rates.pop(key, None)
            elif what == "ban":
                banned.add(key)
            elif what == "key":
                self._keys.clear()
            elif what == "policy":
                self._policy.clear()
        if banned:
            for worker_id in [each.worker_id for each in self._workers.values() if each.sha256 in banned]:
                del self._workers[worker_id]

    def kept(self, rates: Iterable[KeptRate], revision: int) -> None:
        """Cache rates that this connection has written as change number `revision`."""
        self._revision = revision
        for each in rates:
            self._rates.setdefault(each.worker_id, {})[each.rule] = each
