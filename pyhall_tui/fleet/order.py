"""Which workers are shown, and in what order. They are sorted by typed values, never by drawn text."""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable
from enum import StrEnum
from heapq import heapify, heappop, heappush
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from pyhall_tui.fleet.entry import Entry, State
from pyhall_tui.fleet.fleet import Fleet

STATE_WORDS = {state: state.name.lower() for state in State}

_MOST_MOVED = 1_000
"""With this many changes, sorting everything again is faster than moving each row."""
_PREFIX = "sha256:"
_HEX = frozenset("0123456789abcdef")
_FEWEST_DIGITS = 4
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
    key: Any
    haystack: str
    sha256: str
    """The last real hash; empty for none."""
    asked: float


_PLACE = attrgetter("key", "worker_id")


class Roster:
    """A fleet's ids, filtered and sorted, and its count by state. Only changes are processed.

    Sorting ten thousand workers takes about 20 ms. As long as verdicts only confirm the last ones, there is almost
    nothing to do.
    """

    def __init__(self, fleet: Fleet) -> None:
        """Start empty; `refresh` reads the fleet."""
        self.ids: list[str] = []
        """The ids that match, in order. Replaced, never changed in place."""
        self.counts: dict[State, int] = dict.fromkeys(State, 0)
        """How many workers in all are in each state, in order of rank, including empty states."""
        self._fleet = fleet
        self._rows: dict[str, _Row] = {}
        self._banned: list[_Row] = []
        self._others: list[_Row] = []
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
        banned, others = (reversed(part) if descending else part for part in (self._banned, self._others))
        keep = _filter(query)
        self.ids = [row.worker_id for part in (banned, others) for row in keep(part)]
        return True

    def _follow(self, mono: float, sort: SortKey) -> bool:
        """Sort what changed or became stale; return whether a row moved, appeared or disappeared."""
        fleet = self._fleet
        changed = fleet.changed_since(self._seen)
        self._seen = fleet.revision
        is_known = self._sort is not None and self._stale_after == fleet.stale_after
        if not is_known or len(changed) > _MOST_MOVED or not self._has_same_members(changed):
            self._sort, self._stale_after = sort, fleet.stale_after
            self._take_all(mono)
            return True
        stale_since = mono - self._stale_after - _JUST_STALE
        while self._becoming_stale and self._becoming_stale[0][0] < stale_since:
            changed.append(heappop(self._becoming_stale)[1])
        moved = sum(self._move(worker_id, mono) for worker_id in changed) > 0
        if sort is not self._sort:
            self._sort = sort
            self._sort_all()
            return True
        return moved

    def _has_same_members(self, changed: list[str]) -> bool:
        rows, fleet = self._rows, self._fleet
        if len(rows) != len(fleet):
            return False
        return all(worker_id in rows and rows[worker_id].entry is fleet.get(worker_id) for worker_id in changed)

    def _take_all(self, mono: float) -> None:
        self._rows = {entry.worker_id: self._row(entry, mono) for entry in self._fleet}
        self.counts = dict.fromkeys(State, 0)
        self._becoming_stale = []
        for worker_id, row in self._rows.items():
            self.counts[row.state] += 1
            if row.entry.verdict is not None and not row.entry.is_stale(mono, self._stale_after):
                self._becoming_stale.append((row.asked, worker_id))
        heapify(self._becoming_stale)
        self._sort_all()

    def _sort_all(self) -> None:
        """Sort by id, then by key: a sort by both at once would make a tuple for each row, and compare tuples."""
        key = _KEYS[self._sort or SortKey.STATE]
        rows = sorted(self._rows.values(), key=attrgetter("worker_id"))
        for row in rows:
            row.key = key(row.state, row.entry)
        rows.sort(key=attrgetter("key"))
        self._banned = [row for row in rows if row.state is State.BANNED]
        self._others = [row for row in rows if row.state is not State.BANNED] if self._banned else rows

    def _move(self, worker_id: str, mono: float) -> bool:
        """Put one row in its place; return whether it moved, or may match other queries now."""
        before = self._rows.get(worker_id)
        if before is None:
            return False
        row = self._row(before.entry, mono)
        if row.asked != before.asked and not row.entry.is_stale(mono, self._stale_after):
            heappush(self._becoming_stale, (row.asked, worker_id))
            before.asked = row.asked
        if _shown(row) == _shown(before):
            return False
        part = self._part(before)
        del part[bisect_left(part, _PLACE(before), key=_PLACE)]
        insort(self._part(row), row, key=_PLACE)
        self._rows[worker_id] = row
        self.counts[before.state] -= 1
        self.counts[row.state] += 1
        return True

    def _row(self, entry: Entry, mono: float) -> _Row:
        state = entry.state(mono, self._stale_after)
        key = _KEYS[self._sort or SortKey.STATE](state, entry)
        return _Row(entry.worker_id, entry, state, key, entry.haystack, entry.last_sha256, entry.asked)

    def _part(self, row: _Row) -> list[_Row]:
        return self._banned if row.state is State.BANNED else self._others


def _shown(row: _Row) -> tuple[object, ...]:
    """Return what a row is sorted and filtered by."""
    return row.state, row.key, row.haystack, row.sha256


def find(fleet: Fleet, query: str, mono: float) -> list[Entry]:
    """Return the workers that a query finds, as `Roster` does, the worst first."""
    if not query.strip():
        return []
    rows = (
        _Row(each.worker_id, each, each.state(mono, fleet.stale_after), None, each.haystack, each.last_sha256, 0.0)
        for each in fleet
    )
    found = _filter(query)(rows)
    return [row.entry for row in sorted(found, key=lambda row: (row.state, row.worker_id.casefold()))]


class _Word(NamedTuple):
    """One word of a query, case-folded."""

    text: str
    digits: str | None
    """The start of a hash, if the word may be one."""


def _hash_digits(word: str) -> str | None:
    """Return the hash digits in a word. Bare digits must be at least four: fewer would match hashes by chance."""
    digits = word.removeprefix(_PREFIX)
    is_hash = set(digits) <= _HEX and (digits != word or len(digits) >= _FEWEST_DIGITS)
    return digits if is_hash else None


def _filter(query: str) -> Callable[[Iterable[_Row]], Iterable[_Row]]:
    """Return what keeps the rows in which each word of the query is found."""
    words = [_Word(word, _hash_digits(word)) for word in query.casefold().split()]

    def keep(rows: Iterable[_Row]) -> Iterable[_Row]:
        for word in words:
            rows = _with(rows, word)
        return rows

    return keep


def _with(rows: Iterable[_Row], word: _Word) -> list[_Row]:
    """Return the rows that a word is found in. Most rows are decided by the text, so that comes first."""
    text, digits = word
    states = {state for state, name in STATE_WORDS.items() if text in name}
    if digits is None:
        return [row for row in rows if text in row.haystack or row.state in states]
    return [
        row
        for row in rows
        if text in row.haystack or row.state in states or (row.sha256 and row.sha256.startswith(digits))
    ]


def _text(value: str | None) -> str:
    """Sort empty values last."""
    return _LAST if value is None else value.casefold()


_KEYS: dict[SortKey, Callable[[State, Entry], Any]] = {
    SortKey.STATE: lambda state, entry: state * _FAR - entry.changed_wall,
    SortKey.WORKER: lambda state, entry: entry.worker_id.casefold(),
    SortKey.NAME: lambda state, entry: _text(entry.verdict.display_name if entry.verdict else None),
    SortKey.HASH: lambda state, entry: _text(entry.sha256),
    SortKey.AGE: lambda state, entry: entry.asked if entry.verdict else float("-inf"),
    SortKey.CHANGED: lambda state, entry: -entry.changed_wall,
}
"""Equal keys are sorted by worker id. By age, the oldest verdict comes first, and missing ones before all others."""
