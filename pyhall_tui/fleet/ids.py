"""A hundred thousand workers' ids in some order, without a list of them.

An order is an array of numbers, which is copied and compared in no time. To copy a list of the ids takes longer than to
sort them, because each must be read from a different place in memory.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final, overload

_IN: Final = "\0"
"""Stands between a worker's id, which has no such character, and its fleet's name; sorts before every other."""


def key_in(worker_id: str, name: str) -> str:
    """Return the key of a worker in a list of several fleets."""
    return f"{worker_id}{_IN}{name}"


def worker_and_fleet(key: str) -> tuple[str, str]:
    """Return the worker's id and the name of its fleet."""
    worker_id, _, name = key.partition(_IN)
    return worker_id, name


class Ids(Sequence[str]):
    """Ids in order; it never changes."""

    def __init__(self, by_id: Sequence[str], order: "array[int]") -> None:
        """`by_id` has all ids, sorted; `order` has the places in it of those that are in this one."""
        self._by_id: Final = by_id
        self._order: Final = order

    def __len__(self) -> int:
        return len(self._order)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return [self._by_id[index] for index in self._order[place]]
        return self._by_id[self._order[place]]

    def __iter__(self) -> Iterator[str]:
        return map(self._by_id.__getitem__, self._order)

    def __contains__(self, worker_id: object) -> bool:
        index = self._index_by_id(worker_id)
        return index is not None and index in self._order

    def index(self, worker_id: str, start: int = 0, stop: int | None = None) -> int:
        index = self._index_by_id(worker_id)
        if index is None:
            raise ValueError(worker_id)
        return self._order.index(index, start, len(self) if stop is None else stop)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Ids) and other._by_id is self._by_id:
            return self._order == other._order
        return isinstance(other, Sequence) and len(other) == len(self) and all(map(str.__eq__, self, other))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Ids({list(self)!r})"

    def _index_by_id(self, worker_id: object) -> int | None:
        if not isinstance(worker_id, str):
            return None
        place = bisect_left(self._by_id, worker_id)
        return place if place < len(self._by_id) and self._by_id[place] == worker_id else None
