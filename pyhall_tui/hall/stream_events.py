"""What is pushed to a hall's clients, as server-sent events."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple
from zlib import crc32

import msgspec

from pyhall_tui.hall.store import Store
from pyhall_tui.hall.store.protocol import Change

CHANGES = "/api/v1/events"
DISPATCHES = "/events"
ENDLESS = (CHANGES, DISPATCHES)
"""Paths whose answers never end by themselves."""
PAGE = 200
"""Revisions that are read and sent in one piece."""
_TOLD_OF_WORKERS = ("enrolled", "status", "attestation")


def event(name: str, data: dict[str, Any], number: int | None = None) -> bytes:
    """Return an event; a client resumes after the last `number` that it has seen."""
    marked = b"" if number is None else b"id: %d\n" % number
    return b"event: %b\n%bdata: %b\n\n" % (name.encode(), marked, msgspec.json.encode(data))


def message(data: dict[str, Any]) -> bytes:
    """Return an event without a name, as the published monitor reads it."""
    return b"data: %b\n\n" % msgspec.json.encode(data)


class Numbers(NamedTuple):
    """How revisions are numbered for clients: each store in a range of its own.

    So a client that was told another store's number, as when a hall's file was replaced, does not go on from there.
    """

    first: int

    @classmethod
    def of_store(cls, store_id: str) -> "Numbers":
        """Return a store's range. Even the highest number is exact in JavaScript."""
        return cls(crc32(store_id.encode()) % 2**20 << 32)

    def of(self, revision: int) -> int:
        """Return the number of a revision."""
        return self.first + revision

    def revision(self, number: int) -> int:
        """Return the revision with this number; negative or very high if it is another store's."""
        return number - self.first


class _Told(NamedTuple):
    revision: int
    namespace: str | None
    """None if everybody may see it."""
    name: str
    data: dict[str, Any]


class ChangePage:
    """Some of a store's changes, up to and including number `revision`.

    `has_more` if there are later ones; `keys` if keys have changed.
    """

    def __init__(
        self, told: Sequence[_Told], revision: int, numbers: Numbers, *, has_more: bool = False, keys: bool = False
    ) -> None:
        self.revision, self.has_more, self.keys = revision, has_more, keys
        self._told, self._numbers = told, numbers
        self._views: dict[str | None, bytes] = {}

    def seen_by(self, namespace: str | None) -> bytes:
        """Return what a key of this namespace may see; None sees everything.

        Only the last event of a revision is numbered, so that a client never resumes in the middle of one.
        """
        if namespace not in self._views:
            self._views[namespace] = b"".join(self._events(namespace))
        return self._views[namespace]

    def _events(self, namespace: str | None) -> Iterator[bytes]:
        visible = (told for told in self._told if None in (namespace, told.namespace) or told.namespace == namespace)
        for revision, together in groupby(visible, key=lambda told: told.revision):
            *others, last = together
            for told in others:
                yield event(told.name, told.data)
            yield event(last.name, last.data, self._numbers.of(revision))


def read_changes(store: Store, numbers: Numbers, after: int, upto: int | None = None) -> ChangePage | None:
    """Return the next changes after a revision, up to number `upto`; None if they are not all known any more.

    It reads the store: call it in a thread, with a store that is `beside` the hall's own.
    """
    last = store.revision() if upto is None else upto
    if last == after:
        return ChangePage((), after, numbers)
    changes = store.changes(after, min(PAGE, last - after)) if after < last else None
    if not changes:
        return None
    revision = changes[-1].revision
    keys = any(change.what == "key" for change in changes)
    return ChangePage([*_told(store, changes)], revision, numbers, has_more=revision < last, keys=keys)


def _told(store: Store, changes: Sequence[Change]) -> Iterator[_Told]:
    """Yield what to tell about changes: a worker or a hash as it is now, which may be later than the change."""
    now = store.now()
    hashes = list({change.key for change in changes if change.what == "ban"})
    bans = {ban.sha256: ban for ban in store.bans_of(hashes)} if hashes else {}
    ids = list({change.key for change in changes if change.what == "worker"})
    namespaces = {worker.worker_id: worker.namespace for worker in store.workers_named(ids)} if ids else {}
    for revision, what, key, how in changes:
        if what == "ban":
            ban = bans.get(key)
            data = {"package_hash": key, "reason": ban.reason if ban else "", "ts": now}
            yield _Told(revision, None, "ban" if ban else "unban", data)
        elif what == "worker" and key in namespaces and how in _TOLD_OF_WORKERS:
            yield _Told(revision, namespaces[key], "worker", {"worker_id": key, "what": how, "ts": now})
        elif what == "policy":
            yield _Told(revision, None, "policy", {"what": "rules", "ts": now})
