"""Caches what decisions need from a store: read once, and again after a change.

The store itself notes its changes, whoever makes them (`schema`). So another process's write costs one check, and only
what it changed is read again: another hall that writes decisions doesn't empty the cache.
"""

import json
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from pyhall_tui.hall.models import Key, Worker
from pyhall_tui.hall.store.ids import hash_key
from pyhall_tui.hall.store.protocol import KeptRate

_MOST = 20_000  # cached keys, workers, and workers with rates: the one read first is dropped first
NEVER = -1
T = TypeVar("T")

WORKER_COLUMNS = tuple(f for f in Worker.__struct_fields__ if f != "hash_ban_reason")
WORKERS_AND_BANS = "workers w LEFT JOIN bans b ON b.sha256 = w.sha256"
GET_WORKER = (
    f"SELECT {', '.join('w.' + c for c in WORKER_COLUMNS)}, b.reason AS hash_ban_reason FROM {WORKERS_AND_BANS}"
)


def worker_of(fields: dict[str, Any]) -> Worker:
    """Return a worker from the columns that `GET_WORKER` reads."""
    fields["capabilities"] = tuple(json.loads(fields["capabilities"]))
    fields["ai_generated"] = bool(fields["ai_generated"])
    return Worker(**fields)


class Reads(Protocol):
    """Reads from the store what is not cached."""

    @property
    def lock(self) -> AbstractContextManager[Any]:
        """Held while something is read and cached, and while changes are applied."""
        ...

    def key(self, hashed: str) -> Key | None:
        """Return the valid key with this hash."""
        ...

    def worker(self, worker_id: str) -> Worker | None:
        """Return a worker, with the ban on its hash if there is one."""
        ...

    def rate(self, rule: str, worker_id: str) -> KeptRate | None:
        """Return what a rule recently allowed a worker."""
        ...

    def policy_revision(self) -> str | None:
        """Return a value that changes whenever the policy does."""
        ...

    def offline_since(self) -> str:
        """Return since when the halls are offline; empty if they aren't."""
        ...


class Remembered:
    """A `State` over one connection. What is not cached is read; what doesn't exist is looked up each time.

    Within a transaction that changes more than the log, everything is read, because it may be rolled back.
    """

    def __init__(self, reads: Reads) -> None:
        self._reads = reads
        self.undecided = 0
        """How many such transactions are open, nested in each other."""
        self.revision = NEVER
        """The number of the last change that was applied."""
        self._keys: dict[str, Key] = {}
        self._workers: dict[str, Worker] = {}
        self._rates: dict[str, dict[str, KeptRate | None]] = {}
        self._policy: dict[str, str] = {}
        self._service: dict[str, str] = {}

    # Questions

    def key(self, token: str) -> Key | None:
        """As `State` says."""
        return self._get(self._keys, hash_key(token), self._reads.key)

    def worker(self, worker_id: str) -> Worker | None:
        """As `State` says."""
        return self._get(self._workers, worker_id, self._reads.worker)

    def rate(self, rule: str, worker_id: str) -> KeptRate | None:
        """As `State` says."""
        of_worker = self._get(self._rates, worker_id, lambda _: {}) or {}
        if rule not in of_worker:
            with self._reads.lock:
                of_worker[rule] = self._reads.rate(rule, worker_id)
        return of_worker[rule]

    def policy_revision(self) -> str | None:
        """As `State` says."""
        return self._get(self._policy, "", lambda _: self._reads.policy_revision())

    def offline_since(self) -> str:
        """As `State` says."""
        return self._get(self._service, "", lambda _: self._reads.offline_since()) or ""

    def _get(self, memory: dict[str, T], key: str, read: Callable[[str], T | None]) -> T | None:
        if not self.undecided and (known := memory.get(key)) is not None:
            return known
        with self._reads.lock:  # until it is cached: nobody changes it in between
            found = read(key)
            if found is not None and not self.undecided:
                self._put(memory, key, found)
            return found

    def _put(self, memory: dict[str, T], key: str, found: T) -> None:
        memory[key] = found
        if len(memory) > _MOST:
            del memory[next(iter(memory))]

    # Changes

    def forget_all(self) -> None:
        """Drop everything."""
        for memory in (self._keys, self._workers, self._rates, self._policy, self._service):
            memory.clear()

    def forget(self, changed: Iterable[tuple[str, str]]) -> None:
        """Drop what has changed, named by what it is and its key."""
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
            elif what == "service":
                self._service.clear()
        if banned:
            for worker_id in [each.worker_id for each in self._workers.values() if each.sha256 in banned]:
                del self._workers[worker_id]

    def touched(self, changed: Iterable[tuple[str, str]]) -> list[str]:
        """Return the cached workers that `forget` would drop."""
        keys: dict[str, set[str]] = {"worker": set(), "ban": set()}
        for what, key in changed:
            keys.get(what, set()).add(key)
        found = keys["worker"] & self._workers.keys()
        if keys["ban"]:
            found |= {each.worker_id for each in self._workers.values() if each.sha256 in keys["ban"]}
        return sorted(found)

    def remember(self, worker: Worker) -> None:
        """Cache a worker that was just read."""
        self._put(self._workers, worker.worker_id, worker)

    def kept(self, rates: Iterable[KeptRate], revision: int) -> None:
        """Cache rates that this connection has written as change number `revision`."""
        self.revision = revision
        for each in rates:
            self._rates.setdefault(each.worker_id, {})[each.rule] = each
