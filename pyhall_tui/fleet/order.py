"""Which workers are shown, and in what order. They are sorted by typed values, never by drawn text."""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from heapq import heapify, heappop, heappush
from itertools import compress
from operator import attrgetter, not_
from typing import Any, TypeAlias

import msgspec

from pyhall_tui.fleet.entry import Entry, State
from pyhall_tui.fleet.fleet import Fleet
from pyhall_tui.fleet.ids import Ids
from pyhall_tui.fleet.query import Searched, found_in, words_of

_MOST_MOVED = 1_000
"""With this many changes, sorting everything again is faster than moving each row."""
_FAR = 1e11
"""Seconds beyond any clock's wall time: a state counts more than any moment. Numbers sort quicker than pairs do."""
_LAST = "\U0010ffff"
"""Sorts after every text."""
_JUST_STALE = 1e-6
"""Seconds added to the moment at which a verdict becomes stale, so that rounding never says *not yet*."""


class SortKey(StrEnum):
    """What the table can be sorted by; the values are the column keys."""

    STATE = "state"
    WORKER = "worker"
    NAME = "name"
    HASH = "hash"
    AGE = "verdict"
    CHANGED = "changed"


class _Row(msgspec.Struct, gc=False):
    """An entry as it was last sorted and filtered."""

    worker_id: str
    entry: Entry
    state: State
    haystack: str
    sha256: str
    """The last real hash; empty for none."""
    asked: float
    index: int = 0
    """Its place among all rows by id."""

    def searched(self) -> tuple[str, str, State]:
        """Return what a filter looks at."""
        return self.haystack, self.sha256, self.state


_Order: TypeAlias = "array[int]"
"""Indexes in the order in which their workers are shown.

A sort or a filter reads hundreds of bytes of each worker. It does so in the order of the indexes, where the memory of
neighbors is close together: in any other order it takes five times as long.
"""


def _in_order(indexes: Iterable[int]) -> _Order:
    return array("i", indexes)


class Roster:
    """A fleet's ids, filtered and sorted, and its count by state. Only changes are processed.

    Sorting a hundred thousand workers takes about 50 ms. As long as verdicts only confirm the last ones, there is
    almost nothing to do.
    """

    def __init__(self, fleet: Fleet) -> None:
        """Start empty; `refresh` reads the fleet."""
        self.ids: Sequence[str] = Ids((), _in_order(()))
        """The ids that match, in order. Replaced, never changed in place."""
        self.counts: dict[State, int] = dict.fromkeys(State, 0)
        """How many workers in all are in each state, in order of rank, including empty states."""
        self._fleet = fleet
        self._rows: dict[str, _Row] = {}
        self._by_id: list[_Row] = []
        """All rows, sorted by id. An index is a place in it."""
        self._keys: list[Any] = []
        """What they are sorted by, in the same order."""
        self._searched: Searched | None = None
        """What a filter looks at, in the same order; made by the first filter."""
        self._names: list[str] = []
        """Their ids, in the same order."""
        self._banned = _in_order(())
        self._others = _in_order(())
        self._becoming_stale: list[tuple[float, str]] = []
        """A heap: when a verdict was requested, and whose; verdicts renewed since are skipped."""
        self._seen = -1
        self._sort: SortKey | None = None
        self._stale_after = 0.0
        self._shown_by: tuple[str, bool] | None = None

    def refresh(self, mono: float, query: str, sort: SortKey, *, descending: bool = False) -> bool:
        """Bring `ids` and `counts` up to date with the fleet at that moment; return whether `ids` may have changed.

        `query` is text, not a pattern: each of its words must be in the worker's searchable text (`Entry.haystack`) or
        in its state, or start its hash (four or more digits, or `sha256:` and any number). Whatever the sort order,
        bans come first: nothing else may push one off the screen.
        """
        moved = self._follow(mono, sort)
        if not moved and self._shown_by == (query, descending):
            return False
        self._shown_by = (query, descending)
        words = words_of(query)
        if words and self._searched is None:
            self._searched = self._all_searched()
        found = found_in(words, self._searched) if self._searched and words else None
        shown = _in_order(())
        for part in (self._banned, self._others):
            kept = part if found is None else _in_order(compress(part, map(found.__getitem__, part)))
            shown += kept[::-1] if descending else kept
        self.ids = Ids(self._names, shown)
        return True

    def _all_searched(self) -> Searched:
        rows = self._by_id
        states = bytearray([row.state for row in rows])
        return Searched([row.haystack for row in rows], [row.sha256 for row in rows], states)

    def _follow(self, mono: float, sort: SortKey) -> bool:
        """Sort what changed or became stale; return whether a row moved, appeared or disappeared."""
        fleet = self._fleet
        changed = fleet.changed_since(self._seen)
        self._seen = fleet.revision
        if self._sort is None or self._stale_after != fleet.stale_after:
            self._stale_after = fleet.stale_after
            self._rows = {}
        has_same_members = self._has_same_members(changed)
        if not has_same_members:
            changed = self._take_members(changed, mono)
        stale_since = mono - self._stale_after - _JUST_STALE
        while self._becoming_stale and self._becoming_stale[0][0] < stale_since:
            changed.append(heappop(self._becoming_stale)[1])
        if has_same_members and sort is self._sort and len(changed) <= _MOST_MOVED:
            return sum(self._move(worker_id, mono) for worker_id in changed) > 0
        for worker_id in changed:
            if (row := self._rows.get(worker_id)) is not None:
                self._renew(row, mono)
        self._sort = sort
        self._sort_all()
        return True

    def _has_same_members(self, changed: list[str]) -> bool:
        rows, fleet = self._rows, self._fleet
        if len(rows) != len(fleet):
            return False
        return all(worker_id in rows and rows[worker_id].entry is fleet.get(worker_id) for worker_id in changed)

    def _take_members(self, changed: list[str], mono: float) -> list[str]:
        """Make rows for new workers and forget others'; return which of the changed workers had a row already."""
        before, self._rows, stale_after = self._rows, {}, self._stale_after
        for entry in self._fleet:
            row = before.get(entry.worker_id)
            if row is None or row.entry is not entry:
                row = self._row(entry, mono)
                if entry.verdict is not None and not entry.is_stale(mono, stale_after):
                    self._becoming_stale.append((row.asked, row.worker_id))
            self._rows[entry.worker_id] = row
        heapify(self._becoming_stale)
        self._by_id = sorted(self._rows.values(), key=attrgetter("worker_id"))
        self.counts = dict.fromkeys(State, 0)
        for index, row in enumerate(self._by_id):
            row.index = index
            self.counts[row.state] += 1
        self._names = [row.worker_id for row in self._by_id]
        self._searched = None
        return [worker_id for worker_id in changed if worker_id in before]

    def _sort_all(self) -> None:
        """Sort by key. They are in order by id already, and equal keys stay so."""
        rows = self._by_id
        self._keys = keys = _KEYS[self._sort or SortKey.STATE](rows)
        parts: list[Iterable[int]] = [(), range(len(rows))]
        if self.counts[State.BANNED]:
            is_banned = [row.state is State.BANNED for row in rows]
            parts = [compress(range(len(rows)), is_banned), compress(range(len(rows)), map(not_, is_banned))]
        self._banned, self._others = (_in_order(sorted(part, key=keys.__getitem__)) for part in parts)

    def _move(self, worker_id: str, mono: float) -> bool:
        """Put one row in its place; return whether it moved, or may match other queries now."""
        row = self._rows.get(worker_id)
        if row is None:
            return False
        entry, index = row.entry, row.index
        now = self._row(entry, mono)
        [key] = _KEYS[self._sort or SortKey.STATE]([now])
        if (*now.searched(), key) == (*row.searched(), self._keys[index]):
            self._note_request(row, mono)
            return False
        part, place = self._place(row)
        del part[place]
        self._renew(row, mono)
        self._keys[index] = key
        part, place = self._place(row)
        part.insert(place, index)
        return True

    def _place(self, row: _Row) -> tuple[_Order, int]:
        """Return where a row is, or belongs."""
        keys, index = self._keys, row.index
        part = self._banned if row.state is State.BANNED else self._others
        return part, bisect_left(part, (keys[index], index), key=lambda other: (keys[other], other))

    def _renew(self, row: _Row, mono: float) -> None:
        """Take over what the entry says now. Its key is left to the caller."""
        entry = row.entry
        state = entry.state(mono, self._stale_after)
        self.counts[row.state] -= 1
        self.counts[state] += 1
        row.state, row.haystack, row.sha256 = state, entry.haystack, entry.last_sha256
        if self._searched is not None:
            self._searched.put(row.index, *row.searched())
        self._note_request(row, mono)

    def _note_request(self, row: _Row, mono: float) -> None:
        """Note when the verdict becomes stale, if it is a new one."""
        entry = row.entry
        if row.asked != entry.asked and not entry.is_stale(mono, self._stale_after):
            heappush(self._becoming_stale, (entry.asked, row.worker_id))
            row.asked = entry.asked

    def _row(self, entry: Entry, mono: float) -> _Row:
        state = entry.state(mono, self._stale_after)
        return _Row(entry.worker_id, entry, state, entry.haystack, entry.last_sha256, entry.asked)


def find(fleet: Fleet, query: str, mono: float) -> list[Entry]:
    """Return the workers that a query finds, as `Roster` does, the worst first."""
    words = words_of(query)
    if not words:
        return []
    entries = list(fleet)
    states = [each.state(mono, fleet.stale_after) for each in entries]
    searched = Searched([each.haystack for each in entries], [each.last_sha256 for each in entries], bytearray(states))
    found = compress(zip(states, entries, strict=True), found_in(words, searched))
    worst_first = sorted(found, key=lambda pair: (pair[0], pair[1].worker_id.casefold()))
    return [entry for _, entry in worst_first]


def _folded(texts: Iterable[str | None]) -> list[str]:
    """Sort empty values last. A text that is folded already is not stored twice."""
    return [_LAST if text is None else text if (folded := text.casefold()) == text else folded for text in texts]


def _by_state(rows: Sequence[_Row]) -> list[float]:
    ranks = [rank * _FAR for rank in range(len(State))]
    return [ranks[row.state] - row.entry.changed_wall for row in rows]


_NEVER = float("-inf")
_KEYS: dict[SortKey, Callable[[Sequence[_Row]], list[Any]]] = {
    SortKey.STATE: _by_state,
    SortKey.WORKER: lambda rows: _folded([row.worker_id for row in rows]),
    SortKey.NAME: lambda rows: _folded(
        [verdict.display_name if (verdict := row.entry.verdict) else None for row in rows]
    ),
    SortKey.HASH: lambda rows: [row.entry.sha256 or _LAST for row in rows],
    SortKey.AGE: lambda rows: [row.entry.asked if row.entry.verdict else _NEVER for row in rows],
    SortKey.CHANGED: lambda rows: [-row.entry.changed_wall for row in rows],
}
"""The keys of some rows. Equal keys are sorted by worker id. By age, the oldest verdict comes first, and missing ones
before all others."""
