"""Which workers are shown, and in what order. They are sorted by typed values, never by drawn text."""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from enum import StrEnum
from heapq import heapify, heappop, heappush
from itertools import compress
from operator import attrgetter, not_
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import msgspec

from pyhall_tui.clock import Moment
from pyhall_tui.fleet.entry import Entry, State
from pyhall_tui.fleet.fleet import Fleet
from pyhall_tui.fleet.ids import Ids, key_in, worker_and_fleet

if TYPE_CHECKING:
    from pyhall_tui.fleet.searched import Searched
    from pyhall_tui.fleet.terms import Term

_MOST_MOVED = 1_000
"""With this many changes, sorting everything again is faster than moving each row."""
_MOST_NEW = 2_000
"""With more members that came or went, `growing` takes them a few at a time."""
_MANY = 20_000
"""With more workers than this, so does it if more than `_MOST_MOVED` changed: to sort them all takes too long."""
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
    PROFILE = "profile"
    """In a list of several fleets: by the name of its fleet, and then as by state."""
    NAME = "name"
    HASH = "hash"
    AGE = "verdict"
    CHANGED = "changed"


class Group(NamedTuple):
    """What a filter finds all workers of one fleet by. Texts are case-folded."""

    words: str = ""
    """The workers are found by these words beside their own."""
    profile: str = ""
    namespace: str = ""
    """That of the workers whose verdict has none."""


NO_GROUP = Group()


class NamedFleet(NamedTuple):
    """One of several fleets whose workers are in one list."""

    name: str
    fleet: Fleet
    words: str = ""
    """The filter finds all its workers by these words."""
    namespace: str = ""
    """That of the workers whose verdict has none; the name is what `profile:` finds."""


class _Part(msgspec.Struct):
    """One fleet in the list, and what was last read of it."""

    number: int
    fleet: Fleet
    name: str | None
    """None if there is only one fleet: then a worker's key is its id."""
    group: Group = NO_GROUP
    rank: int = 0
    """Its place among the fleets, by name."""
    seen: int = -1
    stale_after: float = 0.0
    counts: dict[State, int] = msgspec.field(default_factory=lambda: dict.fromkeys(State, 0))

    def keys(self, worker_ids: list[str]) -> list[str]:
        """Return the keys of workers."""
        return worker_ids if self.name is None else [key_in(each, self.name) for each in worker_ids]


class _Row(msgspec.Struct, gc=False):
    """An entry as it was last sorted and filtered."""

    key: str
    entry: Entry
    part: _Part
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
    """The ids of a fleet, or of several, filtered and sorted, and the count by state. Only changes are processed.

    Sorting a hundred thousand workers takes about 50 ms. As long as verdicts only confirm the last ones, there is
    almost nothing to do.
    """

    def __init__(self, fleets: Fleet | Sequence[NamedFleet], group: Group = NO_GROUP) -> None:
        """Start empty; `refresh` reads the fleets. With several, `ids` has the keys that `key_in` makes.

        `group` is what a filter finds the workers of a single fleet by beside what is known of each.
        """
        self.ids: Sequence[str] = Ids((), _in_order(()))
        """The ids that match, in order. Replaced, never changed in place."""
        self.counts: dict[State, int] = dict.fromkeys(State, 0)
        """How many workers in all are in each state, in order of rank, including empty states."""
        self._parts = [_Part(0, fleets, None, group)] if isinstance(fleets, Fleet) else _parts(fleets)
        self._rows: dict[str, _Row] = {}
        self._by_id: list[_Row] = []
        """All rows, sorted by id. An index is a place in it."""
        self._keys: list[Any] = []
        """What they are sorted by, in the same order."""
        self._searched: Searched | None = None
        """What a filter looks at, in the same order; made by the first filter."""
        self._names: list[str] = []
        """Their ids, in the same order."""
        self._worker_ids: tuple[list[str], list[str]] = (self._names, self._names)
        """For which of these, and what, `worker_ids` returned last."""
        self._banned = _in_order(())
        self._others = _in_order(())
        self._becoming_stale: list[tuple[float, str]] = []
        """A heap: when a verdict becomes stale, and whose; verdicts renewed since are skipped."""
        self._is_growing = False
        self._has_aged = False
        """Whether more became stale than `refresh` takes at once, as when the machine wakes up."""
        self._has_other_members = False
        """Whether `keeps_members` has left some to be taken."""
        self._sort: SortKey | None = None
        self._shown_by: tuple[str, bool] | None = None

    @property
    def keys(self) -> Sequence[str]:
        """All workers' keys, whether they match or not. Replaced if one comes or goes, never changed in place."""
        return self._names

    def counts_of(self, number: int) -> dict[State, int]:
        """Return how many workers of that fleet are in each state: the fleets count from 0, in the order given."""
        return self._parts[number].counts

    def refresh(
        self, now: Moment, query: str, sort: SortKey, *, descending: bool = False, keeps_members: bool = False
    ) -> bool:
        """Bring `ids` and `counts` up to date with the fleet at that moment; return whether `ids` may have changed.

        `query` is a filter (see `fleet.terms`). Each of its words must be in the worker's searchable text
        (`Entry.haystack`) or in its state, or start its hash (four or more digits, or `sha256:` and any number).
        Whatever the sort order, bans come first: nothing else may push one off the screen. `keeps_members`: those that
        came or went, or very many that changed, are left to `growing`, which is about to begin.

        Raises:
            FilterError: `query` is not a filter. Nothing has changed.
        """
        terms = _terms(query)
        moved = self._follow(now.mono, sort, keeps_members=keeps_members or self._is_growing)
        if not moved and self._shown_by == (query, descending) and not any(term.is_moving for term in terms):
            return False
        self._shown_by = (query, descending)
        found = self._found(terms, now) if terms else None
        shown = _in_order(())
        for part in (self._banned, self._others):
            kept = part if found is None or 0 not in found else _in_order(compress(part, map(found.__getitem__, part)))
            shown += kept[::-1] if descending else kept
        self.ids = Ids(self._names, shown)
        return True

    @property
    def is_outgrown(self) -> bool:
        """Whether so many workers came, went or changed that `refresh` would take long: `growing` takes them first."""
        if self._sort is None or self._is_growing:
            return False
        new = abs(sum(len(part.fleet) for part in self._parts) - len(self._rows))
        return new > _MOST_NEW or self._has_changed_much

    @property
    def _has_changed_much(self) -> bool:
        changed = sum(part.fleet.revision - part.seen for part in self._parts)
        is_other = any(part.stale_after != part.fleet.stale_after for part in self._parts)
        is_large = max(len(self._rows), sum(len(part.fleet) for part in self._parts)) > _MANY
        return is_large and (changed > _MOST_MOVED or is_other or self._has_aged)

    def growing(self, now: Moment, sort: SortKey, size: int = _MOST_NEW) -> Generator[None, None, None]:
        """Take the members as they are now, `size` rows in each step of a few milliseconds.

        Between the steps, `refresh` goes on with the members it has; after the last one, with the new ones. What
        changed meanwhile is left to the next `refresh`. Close it to leave everything as it was.
        """
        self._is_growing = True
        try:
            grown = Roster(())
            yield from grown._grow(self._parts, now.mono, sort, size)
        finally:
            self._is_growing = False
        grown._worker_ids = self._worker_ids
        if grown._names == self._names:  # nobody came or went
            grown._names = self._names
        grown.ids = self.ids
        self.__dict__.update(grown.__dict__)

    def _grow(self, parts: "list[_Part]", mono: float, sort: SortKey, size: int) -> Iterator[None]:
        """Do what `_take_members` and `_sort_all` do, for an empty roster."""
        from pyhall_tui.fleet.in_steps import sliced, sorted_in_steps  # not before the first frame

        self._sort = sort
        for part in parts:
            fleet = part.fleet
            part = _Part(part.number, fleet, part.name, part.group, part.rank, fleet.revision, fleet.stale_after)
            self._parts.append(part)
            for some in sliced([*fleet], size):
                keys = part.keys([entry.worker_id for entry in some])
                self._rows.update((key, self._new_row(key, e, part, mono)) for key, e in zip(keys, some, strict=True))
                yield
        heapify(self._becoming_stale)
        rows = yield from sorted_in_steps([*self._rows.values()], attrgetter("key"), size)
        self._by_id, self._names = rows, [row.key for row in rows]
        yield
        for start in range(0, len(rows), size):
            self._keys += _KEYS[sort](rows[start : start + size])
            self._number(start, start + size)
            yield
        self._sum_up()
        order: list[int] = []
        for some in self._by_rank(range(len(rows))):
            order += yield from sorted_in_steps(some, self._keys.__getitem__, size)
        if self.counts[State.BANNED]:
            self._banned = _in_order(index for index in order if rows[index].state is State.BANNED)
            yield
            order = [index for index in order if rows[index].state is not State.BANNED]
        self._others = _in_order(order)

    @property
    def worker_ids(self) -> Sequence[str]:
        """The ids of all workers, whether they match or not. Replaced if one comes, never changed in place."""
        if self._worker_ids[0] is not self._names:
            is_one = len(self._parts) == 1 and self._parts[0].name is None
            found = self._names if is_one else [*dict.fromkeys(worker_and_fleet(key)[0] for key in self._names)]
            self._worker_ids = self._names, found
        return self._worker_ids[1]

    def _found(self, terms: "Sequence[Term]", now: Moment) -> bytes:
        """Return which rows match, in the order of the indexes."""
        from pyhall_tui.fleet.query import found_in  # with the first filter

        if self._searched is None or self._searched.is_worn:
            self._searched = self._all_searched()
        return found_in(terms, self._searched, now)

    def _all_searched(self) -> "Searched":
        from pyhall_tui.fleet.searched import Searched

        rows = self._by_id
        states = bytearray([row.state for row in rows])
        haystacks, hashes = [row.haystack for row in rows], [row.sha256 for row in rows]
        entries, groups = [row.entry for row in rows], [part.group for part in self._parts]
        numbers = array("i", [row.part.number for row in rows] if len(groups) > 1 else ())
        return Searched(haystacks, hashes, states, entries, numbers, groups or [NO_GROUP])

    def _follow(self, mono: float, sort: SortKey, *, keeps_members: bool) -> bool:
        """Sort what changed or became stale; return whether a row moved, appeared or disappeared."""
        if keeps_members and self._has_changed_much and sort is self._sort:
            return False
        is_other = any(part.stale_after != part.fleet.stale_after for part in self._parts)
        if self._sort is None or (is_other and not keeps_members):
            self._rows = {}
        has_same_members, changed = self._changed()
        self._has_other_members |= not has_same_members
        has_same_members = keeps_members or not self._has_other_members
        if not has_same_members:
            changed = self._take_members(changed, mono)
        most, stale_since = max(_MOST_MOVED, 0 if len(self._rows) > _MANY else _MANY), mono - _JUST_STALE
        while is_due := bool(self._becoming_stale) and self._becoming_stale[0][0] < stale_since:
            if len(changed) >= most:
                break
            changed.append(heappop(self._becoming_stale)[1])
        self._has_aged = is_due
        if has_same_members and sort is self._sort and len(changed) <= _MOST_MOVED:
            return sum(self._move(key, mono) for key in changed) > 0
        for key in changed:
            if (row := self._rows.get(key)) is not None:
                self._renew(row, mono)
        self._sort = sort
        self._sort_all()
        return True

    def _changed(self) -> tuple[bool, list[str]]:
        """Return whether the members are the same as at the last call, and the keys of those that changed since."""
        rows, changed = self._rows, list[str]()
        has_same_members = len(rows) == sum(len(part.fleet) for part in self._parts)
        for part in self._parts:
            worker_ids = part.fleet.changed_since(part.seen)
            keys = part.keys(worker_ids)
            part.seen, part.stale_after = part.fleet.revision, part.fleet.stale_after
            has_same_members = has_same_members and all(
                key in rows and rows[key].entry is part.fleet.get(worker_id)
                for key, worker_id in zip(keys, worker_ids, strict=True)
            )
            changed += keys
        return has_same_members, changed

    def _take_members(self, changed: list[str], mono: float) -> list[str]:
        """Make rows for new workers and forget others'; return which of the changed workers had a row already."""
        self._has_other_members = False
        before, self._rows = self._rows, {}
        for part in self._parts:
            for key, entry in zip(part.keys([each.worker_id for each in part.fleet]), part.fleet, strict=True):
                row = before.get(key)
                self._rows[key] = (
                    row if row is not None and row.entry is entry else self._new_row(key, entry, part, mono)
                )
        heapify(self._becoming_stale)
        self._by_id = sorted(self._rows.values(), key=attrgetter("key"))
        self._count()
        self._names = [row.key for row in self._by_id]
        self._searched = None
        return [key for key in changed if key in before]

    def _new_row(self, key: str, entry: Entry, part: _Part, mono: float) -> _Row:
        """Return a row for an entry, and note when its verdict becomes stale; the heap is left to the caller."""
        row = self._row(key, entry, part, mono)
        if entry.verdict is not None and not entry.is_stale(mono, part.stale_after):
            self._becoming_stale.append((row.asked + part.stale_after, key))
        return row

    def _count(self) -> None:
        """Number the rows, and count them by state."""
        for part in self._parts:
            part.counts = dict.fromkeys(State, 0)
        self._number(0, len(self._by_id))
        self._sum_up()

    def _number(self, start: int, end: int) -> None:
        for index, row in enumerate(self._by_id[start:end], start):
            row.index = index
            row.part.counts[row.state] += 1

    def _sum_up(self) -> None:
        self.counts = dict.fromkeys(State, 0)
        for part in self._parts:
            for state, count in part.counts.items():
                self.counts[state] += count

    def _sort_all(self) -> None:
        """Sort by key. They are in order by id already, and equal keys stay so."""
        rows = self._by_id
        self._keys = keys = _KEYS[self._sort or SortKey.STATE](rows)
        parts: list[Iterable[int]] = [(), range(len(rows))]
        if self.counts[State.BANNED]:
            is_banned = [row.state is State.BANNED for row in rows]
            parts = [compress(range(len(rows)), is_banned), compress(range(len(rows)), map(not_, is_banned))]
        self._banned, self._others = (
            _in_order(index for some in self._by_rank(part) for index in sorted(some, key=keys.__getitem__))
            for part in parts
        )

    def _by_rank(self, indexes: Iterable[int]) -> list[list[int]]:
        """Return them apart, as their keys sort them: fleet by fleet if the list is sorted by profile."""
        if self._sort is not SortKey.PROFILE:
            return [[*indexes]]
        parts: dict[int, list[int]] = {rank: [] for rank in sorted(part.rank for part in self._parts)}
        for index in indexes:
            parts[self._by_id[index].part.rank].append(index)
        return [*parts.values()]

    def _move(self, key: str, mono: float) -> bool:
        """Put one row in its place; return whether it moved, or may match other queries now."""
        row = self._rows.get(key)
        if row is None:
            return False
        entry, index = row.entry, row.index
        now = self._row(row.key, entry, row.part, mono)
        [sorted_by] = _KEYS[self._sort or SortKey.STATE]([now])
        if (*now.searched(), sorted_by) == (*row.searched(), self._keys[index]):
            self._note_request(row, mono)
            if self._searched is not None:
                self._searched.put_columns(index)
            return False
        part, place = self._place(row)
        del part[place]
        self._renew(row, mono)
        self._keys[index] = sorted_by
        part, place = self._place(row)
        part.insert(place, index)
        return True

    def _place(self, row: _Row) -> tuple[_Order, int]:
        """Return where a row is, or belongs."""
        keys, rows, is_by_fleet = self._keys, self._by_id, self._sort is SortKey.PROFILE

        def place(index: int) -> tuple[int, Any, int]:
            return rows[index].part.rank if is_by_fleet else 0, keys[index], index

        part = self._banned if row.state is State.BANNED else self._others
        return part, bisect_left(part, place(row.index), key=place)

    def _renew(self, row: _Row, mono: float) -> None:
        """Take over what the entry says now. Its key is left to the caller."""
        entry = row.entry
        state = entry.state(mono, row.part.stale_after)
        for counts in (self.counts, row.part.counts):
            counts[row.state] -= 1
            counts[state] += 1
        row.state, row.haystack, row.sha256 = state, entry.haystack, entry.last_sha256
        if self._searched is not None:
            self._searched.put(row.index, *row.searched())
        self._note_request(row, mono)

    def _note_request(self, row: _Row, mono: float) -> None:
        """Note when the verdict becomes stale, if it is a new one."""
        entry, stale_after = row.entry, row.part.stale_after
        if row.asked != entry.asked and not entry.is_stale(mono, stale_after):
            heappush(self._becoming_stale, (entry.asked + stale_after, row.key))
            row.asked = entry.asked

    def _row(self, key: str, entry: Entry, part: _Part, mono: float) -> _Row:
        state = entry.state(mono, part.stale_after)
        return _Row(key, entry, part, state, entry.haystack, entry.last_sha256, entry.asked)


def _parts(fleets: Sequence[NamedFleet]) -> list[_Part]:
    names = sorted({each.name.casefold() for each in fleets})
    return [
        _Part(number, each.fleet, each.name, _group(each), names.index(each.name.casefold()))
        for number, each in enumerate(fleets)
    ]


def _group(fleet: NamedFleet) -> Group:
    return Group(fleet.words.casefold(), fleet.name.casefold(), fleet.namespace.casefold())


def _terms(query: str) -> "tuple[Term, ...]":
    if not query.strip():
        return ()
    from pyhall_tui.fleet.terms import terms_of  # with the first filter

    return terms_of(query)


def _folded(texts: Iterable[str | None]) -> list[str]:
    """Sort empty values last. A text that is folded already is not stored twice."""
    return [_LAST if text is None else text if (folded := text.casefold()) == text else folded for text in texts]


def _by_state(rows: Sequence[_Row]) -> list[float]:
    ranks = [rank * _FAR for rank in range(len(State))]
    return [ranks[row.state] - row.entry.changed_wall for row in rows]


_NEVER = float("-inf")
_KEYS: dict[SortKey, Callable[[Sequence[_Row]], list[Any]]] = {
    SortKey.STATE: _by_state,
    SortKey.WORKER: lambda rows: _folded([row.entry.worker_id for row in rows]),
    SortKey.PROFILE: _by_state,
    SortKey.NAME: lambda rows: _folded(
        [verdict.display_name if (verdict := row.entry.verdict) else None for row in rows]
    ),
    SortKey.HASH: lambda rows: [row.entry.sha256 or _LAST for row in rows],
    SortKey.AGE: lambda rows: [row.entry.asked if row.entry.verdict else _NEVER for row in rows],
    SortKey.CHANGED: lambda rows: [-row.entry.changed_wall for row in rows],
}
"""The keys of some rows; by profile, within its fleet. Equal keys are sorted by worker id. By age, the oldest verdict
comes first, and missing ones before all others."""
