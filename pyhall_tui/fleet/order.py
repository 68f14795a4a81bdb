"""Which workers are shown, and in what order. They are sorted by typed values, never by drawn text."""

from bisect import bisect_left, insort
from collections.abc import Callable
from enum import StrEnum
from heapq import heapify, heappop, heappush
from typing import Any, NamedTuple

from pyhall_tui.fleet.entry import Entry, State
from pyhall_tui.fleet.fleet import Fleet

STATE_WORDS = {state: state.name.lower() for state in State}

_MOST_MOVED = 1_000
"""With this many changes, sorting everything again is faster than moving each row."""
_PREFIX = "sha256:"
_HEX = frozenset("0123456789abcdef")
_FEWEST_DIGITS = 4
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


class _Row(NamedTuple):
    """An entry as it was last sorted and filtered."""

    entry: Entry
    state: State
    key: Any
    haystack: str
    sha256: str
    """The last real hash; empty for none."""
    asked: float


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
        self._banned: list[tuple[Any, str]] = []
        self._others: list[tuple[Any, str]] = []
        self._becoming_stale: list[tuple[float, str]] = []
        """A heap: when a verdict becomes stale, and whose; verdicts renewed since are skipped."""
        self._seen = -1
        self._sorted_by: tuple[SortKey, float] | None = None
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
        ids = [worker_id for part in (banned, others) for _, worker_id in part]
        words = [_Word(word, _hash_digits(word)) for word in query.casefold().split()]
        self.ids = [worker_id for worker_id in ids if _matches(self._rows[worker_id], words)] if words else ids
        return True

    def _follow(self, mono: float, sort: SortKey) -> bool:
        """Sort what changed or became stale; return whether a row moved, appeared or disappeared."""
        fleet = self._fleet
        changed = fleet.changed_since(self._seen)
        self._seen = fleet.revision
        sorted_by = (sort, fleet.stale_after)
        if self._sorted_by != sorted_by or len(changed) > _MOST_MOVED or not self._has_same_members(changed):
            self._sorted_by = sorted_by
            self._sort_all(mono, sort)
            return True
        while self._becoming_stale and self._becoming_stale[0][0] < mono:
            changed.append(heappop(self._becoming_stale)[1])
        return sum(self._move(worker_id, mono, sort) for worker_id in changed) > 0

    def _has_same_members(self, changed: list[str]) -> bool:
        rows, fleet = self._rows, self._fleet
        if len(rows) != len(fleet):
            return False
        return all(worker_id in rows and rows[worker_id].entry is fleet.get(worker_id) for worker_id in changed)

    def _sort_all(self, mono: float, sort: SortKey) -> None:
        self._rows = {entry.worker_id: self._row(entry, mono, sort) for entry in self._fleet}
        self.counts = dict.fromkeys(State, 0)
        self._banned, self._others, self._becoming_stale = [], [], []
        for worker_id, row in self._rows.items():
            self.counts[row.state] += 1
            self._part(row).append((row.key, worker_id))
            if row.entry.verdict is not None and not row.entry.is_stale(mono, self._fleet.stale_after):
                self._becoming_stale.append((self._stale_at(row), worker_id))
        self._banned.sort()
        self._others.sort()
        heapify(self._becoming_stale)

    def _move(self, worker_id: str, mono: float, sort: SortKey) -> bool:
        """Put one row in its place; return whether it moved, or may match other queries now."""
        before = self._rows.get(worker_id)
        if before is None:
            return False
        row = self._rows[worker_id] = self._row(before.entry, mono, sort)
        if row.asked != before.asked and not row.entry.is_stale(mono, self._fleet.stale_after):
            heappush(self._becoming_stale, (self._stale_at(row), worker_id))
        if row[1:-1] == before[1:-1]:  # everything but the entry, which is the same, and its request time
            return False
        part = self._part(before)
        del part[bisect_left(part, (before.key, worker_id))]
        insort(self._part(row), (row.key, worker_id))
        self.counts[before.state] -= 1
        self.counts[row.state] += 1
        return True

    def _row(self, entry: Entry, mono: float, sort: SortKey) -> _Row:
        state = entry.state(mono, self._fleet.stale_after)
        return _Row(entry, state, _KEYS[sort](state, entry), entry.haystack, entry.last_sha256, entry.asked)

    def _part(self, row: _Row) -> list[tuple[Any, str]]:
        return self._banned if row.state is State.BANNED else self._others

    def _stale_at(self, row: _Row) -> float:
        return row.asked + self._fleet.stale_after + _JUST_STALE


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


def _matches(row: _Row, words: list[_Word]) -> bool:
    text, state_word, sha256 = row.haystack, STATE_WORDS[row.state], row.sha256
    for word, digits in words:
        if word in text or word in state_word:
            continue
        if digits is None or not sha256 or not sha256.startswith(digits):
            return False
    return True


def _text(value: str | None) -> tuple[bool, str]:
    """Sort empty values last."""
    return (value is None, (value or "").casefold())


_KEYS: dict[SortKey, Callable[[State, Entry], Any]] = {
    SortKey.STATE: lambda state, entry: (state, -entry.changed_wall),
    SortKey.WORKER: lambda state, entry: entry.worker_id.casefold(),
    SortKey.NAME: lambda state, entry: _text(entry.verdict.display_name if entry.verdict else None),
    SortKey.HASH: lambda state, entry: _text(entry.sha256),
    SortKey.AGE: lambda state, entry: entry.asked if entry.verdict else float("-inf"),
    SortKey.CHANGED: lambda state, entry: -entry.changed_wall,
}
"""Equal keys are sorted by worker id. By age, the oldest verdict comes first, and missing ones before all others."""
