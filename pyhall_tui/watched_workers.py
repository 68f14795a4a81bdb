"""Putting a profile's workers on its watch list and taking them off: few at once, or 100,000 between two frames.

The list is written first, whole, in a thread: what is on it is watched, even if the program ends in the middle of the
rest. The rest (the fleet, the journal, who is asked about) belongs to the UI's loop, and is done a few at a time.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Protocol, TypeVar

from pyhall_tui.fleet.entry import Entry
from pyhall_tui.fleet.fleet import Fleet
from pyhall_tui.fleet.own_changes import OwnChanges, Unwatched, said_workers
from pyhall_tui.profiles.watch_list import WatchedWorker, WatchList, id_mistake
from pyhall_tui.threads.steps import Steps, at_once, one_by_one

T = TypeVar("T")

_AT_A_TIME: Final = 1_000
"""Workers in one step: it takes a few milliseconds."""


class Parts(Protocol):
    """What else knows of each worker."""

    def follow(self, workers: Sequence[WatchedWorker]) -> None:
        """Follow the packages of those that have a folder."""
        ...

    def drop(self, worker_ids: Sequence[str]) -> tuple[Entry, ...]:
        """Forget workers everywhere but in the watch list, and end their alarms; return their entries."""
        ...

    def ask_about(self, worker_ids: Sequence[str], *, is_new: bool) -> None:
        """Ask about workers from now on, these first; whoever shows them shows them now."""
        ...


class WatchedWorkers:
    """Changes who is watched, in the list and everywhere else. Belongs to the UI's thread."""

    def __init__(self, watch_list: WatchList, fleet: Fleet, own_changes: OwnChanges, parts: Parts) -> None:
        self._list, self._fleet, self._own_changes, self._parts = watch_list, fleet, own_changes, parts
        self._closed = False

    async def watch(self, worker_ids: Iterable[str]) -> list[str]:
        """Put workers on the watch list and ask about them; return those that are new.

        An id that can't be on the list doesn't keep others off it: see `cannot_be_watched`, which names it.
        """
        ids = [*worker_ids]
        return await self._own_changes.in_turn.do(lambda: _one_by_one(self._watching(ids)))

    async def unwatch(self, worker_ids: Iterable[str]) -> None:
        """Take workers off the watch list."""
        ids = [*worker_ids]
        await self._own_changes.in_turn.do(lambda: _one_by_one(self._unwatching(ids)))

    def watch_now(self, worker_ids: Iterable[str]) -> list[str]:
        """Do as `watch`, but at once: for a few workers."""
        return at_once(self._watching([*worker_ids]))

    def unwatch_now(self, worker_ids: Iterable[str]) -> None:
        """Do as `unwatch`, but at once: for a few workers."""
        at_once(self._unwatching([*worker_ids]))

    def keep_what_was_not(self) -> None:
        """Try again, beside the loop, to write what could not be written, if anything; `close` waits for it."""
        in_turn = self._own_changes.in_turn
        if self._list.has_unwritten and not self._closed and not in_turn.is_busy:
            in_turn.begin(lambda: _one_by_one(self._saved([], is_present=True)))

    async def close(self, patience: float) -> None:
        """Wait until what was asked for is in the file, so many seconds at most; leave what only shows it."""
        self._closed = True
        await self._own_changes.in_turn.wait(patience)

    def _watching(self, worker_ids: list[str]) -> Steps[list[str]]:
        found: dict[str, None] = {}
        for some in _batches(worker_ids):
            found.update(dict.fromkeys(each for each in some if each not in self._fleet and not id_mistake(each)))
            yield None
        new = [*found]
        if new:
            yield from self._saved(new, is_present=True)
            for some in _batches(new):
                if self._closed:
                    return new
                self._fleet.watch(each for each in some if each in self._list)
                yield None
            self._own_changes.add(lambda: _one_by_one(self._taking_back(new)))
        yield from self._asking(new, is_new=True)
        return new

    def _taking_back(self, new: list[str]) -> Steps[str]:
        yield from self._taking_off(new)
        return f"No longer watched: {said_workers(new)}."

    def _unwatching(self, worker_ids: list[str]) -> Steps[None]:
        removed = yield from self._taking_off(worker_ids)
        self._own_changes.add(lambda: _one_by_one(self._putting_back(removed)))

    def _taking_off(self, worker_ids: list[str]) -> Steps[Unwatched]:
        watched: list[WatchedWorker] = []
        for some in _batches(worker_ids):
            watched += self._list.those_of(some)
            yield None
        yield from self._saved(worker_ids, is_present=False)
        entries: list[Entry] = []
        for some in _batches(worker_ids):  # to the end, even while closing: else the journal would bring them back
            entries += self._parts.drop(some)
            yield None
        self._parts.ask_about([], is_new=False)
        return Unwatched(tuple(watched), tuple(entries))

    def _putting_back(self, removed: Unwatched) -> Steps[str]:
        yield from self._saved(removed.watched, is_present=True)
        for entries in _batches(removed.entries):
            if self._closed:
                break
            self._fleet.put_back(entry for entry in entries if entry.worker_id in self._list)
            yield None
        for workers in _batches(removed.watched):
            if self._closed:
                break
            self._parts.follow(workers)
            yield None
        ids = removed.ids
        yield from self._asking(ids, is_new=False)
        return f"Watched again: {said_workers(ids)}."

    def _asking(self, worker_ids: list[str], *, is_new: bool) -> Steps[None]:
        """Ask about workers in the order given: each batch is asked about before those that came earlier."""
        for some in reversed([*_batches(worker_ids)]):
            self._parts.ask_about(some, is_new=is_new)
            if len(worker_ids) > _AT_A_TIME:
                yield None

    def _saved(self, workers: Sequence[str | WatchedWorker], *, is_present: bool) -> Steps[None]:
        """Write who is on the list, or not, and all that changes in it until it is written."""
        for some in _batches(workers):
            ids = {each if isinstance(each, str) else each.id: is_present for each in some}
            folders = {each.id: each.folder for each in some if isinstance(each, WatchedWorker) and each.folder}
            self._list.change(ids, folders)
            if len(workers) > _AT_A_TIME:
                yield None
        try:
            take: Callable[[], bool] = yield self._list.begin_saving()
            while take():
                take = yield self._list.begin_saving()
        except BaseException:
            self._list.give_up_saving()
            raise


async def _one_by_one(steps: Steps[T]) -> T:
    return await one_by_one(steps, name="watch list")


def _batches(whole: Sequence[T]) -> Iterator[Sequence[T]]:
    return (whole[start : start + _AT_A_TIME] for start in range(0, len(whole), _AT_A_TIME))
