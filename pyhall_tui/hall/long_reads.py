"""Long reads from the store, a page at a time and in another thread, so that no other request waits for them.

Each page is a short transaction, so a slow client blocks nothing, not even the write-ahead log. So a list doesn't show
one instant. But entries never change their place: one that exists throughout is listed exactly once, as it was when its
page was read.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import msgspec

from pyhall_tui.hall.models import Ban, Key, Worker, verify_both
from pyhall_tui.hall.store import Store

PAGE = 200  # entries: about 40 kB of an answer, and a millisecond or two
T = TypeVar("T")
Page = tuple[list[bytes], tuple[Any, ...] | None]
"""Entries in JSON, and the position after which the next page starts; None after the last page."""


class LongReads:
    """The long reads of a hall's store. Only one runs at a time; the pages of several lists take turns."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._turn = asyncio.Lock()
        self._asked: dict[tuple[Any, ...], asyncio.Task[Any]] = {}

    async def _ask(self, question: Callable[[Store], T]) -> T:
        async with self._turn:
            return await asyncio.to_thread(lambda: question(self._store.beside()))

    async def _ask_once(self, key: tuple[Any, ...], question: Callable[[Store], T]) -> T:
        """As `_ask`; callers that ask the same meanwhile share the answer."""
        task = self._asked.get(key)
        if task is None:
            task = self._asked[key] = asyncio.create_task(self._ask(question))
            task.add_done_callback(lambda _: self._asked.pop(key))
        answer: T = await asyncio.shield(task)
        return answer

    async def counts(self, namespace: str | None) -> tuple[int, int, int]:
        """Return how many workers (of one namespace) there are, how many are banned, and how long the ban list is."""
        return await self._ask_once(
            ("counts", namespace), lambda store: (*store.worker_counts(namespace), store.ban_count())
        )

    async def keys_in_use(self, namespace: str, most: int) -> list[tuple[Key, str | None]]:
        """As the store's."""
        return await self._ask_once(("keys", namespace, most), lambda store: store.keys_in_use(namespace, most))

    async def perhaps_amiss(self, namespace: str | None, most: int) -> list[Worker]:
        """As the store's."""
        return await self._ask_once(("amiss", namespace, most), lambda store: store.perhaps_amiss(namespace, most))

    async def workers_after(self, after: Worker | None, most: int, namespace: str | None) -> list[Worker]:
        """As the store's."""
        return await self._ask(lambda store: store.workers_after(after, most, namespace))

    def workers(self, namespace: str | None) -> AsyncIterator[list[bytes]]:
        """Yield all workers (of one namespace) in pages, in the order in which they were enrolled."""
        return self._pages(lambda store, after: _workers(store, namespace, after))

    def bans(self, limit: int | None = None) -> AsyncIterator[list[bytes]]:
        """Yield the ban list in pages, newest first; at most `limit` entries of it."""
        return self._pages(lambda store, after: _bans(store, after, msgspec.json.encode), limit)

    def ban_hashes(self) -> AsyncIterator[list[bytes]]:
        """Yield the hashes of the ban list in pages, newest first."""
        return self._pages(lambda store, after: _bans(store, after, lambda ban: f'"{ban.sha256}"'.encode()))

    async def _pages(
        self, read: Callable[[Store, tuple[Any, ...] | None], Page], limit: int | None = None
    ) -> AsyncIterator[list[bytes]]:
        after: tuple[Any, ...] | None = None
        left = limit
        while left is None or left > 0:
            entries, after = await self._ask(lambda store, after=after: read(store, after))  # type: ignore[misc]
            entries = entries[:left]
            if entries:  # if the last page was full, the one after it is empty
                yield entries
            left = None if left is None else left - len(entries)
            if after is None:
                return


def _workers(store: Store, namespace: str | None, after: tuple[Any, ...] | None) -> Page:
    found = store.workers_after(after[0] if after else None, PAGE, namespace)
    last = (found[-1],) if len(found) == PAGE else None
    return [msgspec.json.encode(verify_both(worker)) for worker in found], last


def _bans(store: Store, after: tuple[Any, ...] | None, told: Callable[[Ban], bytes]) -> Page:
    found, last = store.bans_after(after, PAGE)
    return [told(ban) for ban in found], last
