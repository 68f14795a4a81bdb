"""The partitions of the decision log in PostgreSQL, each a range of rows.

The last one has no end, so that a decision is never without a place. Once it is full it gets one, and the next begins.
Rows are removed by dropping whole partitions: that takes as long for a million rows as for one, and frees the space.
"""

import re
from typing import NamedTuple

from pyhall_tui.hall.errors import StoreError
from pyhall_tui.hall.store.chain import Mark, Row, entry_hash, is_removal
from pyhall_tui.hall.store.postgres.connection import Connection

FULL = 100_000
"""Rows, about 65 MB with indexes."""
_ALL = """
SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = 'decisions'::regclass
"""
_BOUNDS = re.compile(r"FOR VALUES FROM \((?:MINVALUE|'(\d+)')\) TO \((?:MAXVALUE|'(\d+)')\)")
_NAME = re.compile(r"decisions_(\d+)")
_BRIEFLY = "SET LOCAL lock_timeout = '200ms'"
"""Decisions wait for as long as we wait for somebody who reads the log, such as a backup: rather try again later."""
_FASTER = 10
"""So many more rows are checked at a time than would be deleted one by one."""


class Partition(NamedTuple):
    """A range of rows: from number `first`, up to `last`; None is unbounded."""

    name: str
    first: int | None
    last: int | None


class Checked(NamedTuple):
    """How far a partition is known to be whole, and how many decisions that is."""

    name: str
    last: int
    anchor: Mark
    upto: Mark
    decisions: int

    @property
    def is_whole(self) -> bool:
        """Whether all of it is."""
        return self.upto.seq >= self.last


class Partitions:
    """The log's partitions, oldest first.

    Args:
        full: rows from which on the last partition is closed.
    """

    def __init__(self, db: Connection, full: int = FULL) -> None:
        self._db, self._full = db, full
        self._checked: Checked | None = None

    def all(self) -> list[Partition]:
        """Return them, oldest first."""
        found = []
        for name, bounds in self._db.read(_ALL):
            stated = _BOUNDS.fullmatch(bounds)
            if not stated or not _NAME.fullmatch(name):
                raise StoreError(f"the partition {name} of the decision log was not made by this program: {bounds}")
            first, end = stated.groups()
            found.append(Partition(name, int(first) if first else None, int(end) - 1 if end else None))
        return sorted(found, key=lambda each: each.first or 0)

    def removable(self, upto: int, anchor: Mark) -> int:
        """Return the last row of the whole partitions up to row `upto`; the anchor's if there is none."""
        return max([anchor.seq, *(each.last for each in self.all() if each.last is not None and each.last <= upto)])

    def end_of(self, seq: int, anchor: Mark) -> int:
        """Return the last row of the partition with row `seq`; if it has no end, the one at which it gets one."""
        within = next(each for each in self.all() if each.last is None or seq <= each.last)
        if within.last is not None:
            return within.last
        head: int = self._db.value("SELECT seq FROM head")
        return max(head, self._begin(within, anchor) + self._full)

    def _begin(self, last: Partition, anchor: Mark) -> int:
        """Return the row before the first one that the last partition has."""
        return max((last.first or 1) - 1, anchor.seq)

    def close_full(self, anchor: Mark) -> None:
        """Begin a new partition if the last one is full.

        Raises:
            StoreError: somebody has been reading the log for too long; nothing was changed.
        """
        if not self._end_of_full(anchor):
            return
        with self._db.transaction():  # it holds the head, so no row is added
            end = self._end_of_full(anchor)
            if not end:  # another hall was faster
                return
            partitions = self.all()
            last = partitions[-1]
            number = 1 + max(int(each.name.rpartition("_")[2]) for each in partitions)
            first = "MINVALUE" if last.first is None else str(last.first)
            for statement in (
                _BRIEFLY,
                "LOCK TABLE decisions IN ACCESS EXCLUSIVE MODE",
                f"ALTER TABLE decisions DETACH PARTITION {last.name}",
                f"ALTER TABLE decisions ATTACH PARTITION {last.name} FOR VALUES FROM ({first}) TO ({end})",
                f"CREATE TABLE decisions_{number} PARTITION OF decisions FOR VALUES FROM ({end}) TO (MAXVALUE)",
            ):
                self._db.change(statement)

    def _end_of_full(self, anchor: Mark) -> int | None:
        head: int = self._db.value("SELECT seq FROM head")
        return head + 1 if head - self._begin(self.all()[-1], anchor) >= self._full else None

    def check_oldest(self, upto: int, most: int, anchor: Mark) -> Checked | None:
        """Check a piece of the oldest partition; None if that is not wholly up to row `upto`.

        Raises:
            StoreError: its rows are not whole, so they stay, as evidence.
        """
        oldest = self.all()[0]
        if oldest.last is None or oldest.last > upto:
            return None
        done = self._checked
        if done is None or (done.name, done.anchor) != (oldest.name, anchor):
            done = Checked(oldest.name, oldest.last, anchor, anchor, 0)
        self._checked = self._check_on(done, most * _FASTER)
        return self._checked

    def _check_on(self, done: Checked, most: int) -> Checked:
        sql = "SELECT seq, entry_hash, receipt FROM decisions WHERE seq > %s AND seq <= %s ORDER BY seq LIMIT %s"
        rows = [Row(*row) for row in self._db.read(sql, done.upto.seq, done.last, most)]
        (number, before), decisions = done.upto, done.decisions
        for seq, entry, receipt in rows:
            number += 1
            if seq != number or entry != entry_hash(before, receipt):
                raise _not_whole(number)
            before = entry
            decisions += not is_removal(receipt)
        if len(rows) < most and number < done.last:
            raise _not_whole(number + 1)
        return done._replace(upto=Mark(number, before), decisions=decisions)

    def drop(self, name: str) -> None:
        """Drop a partition, within a transaction.

        Raises:
            StoreError: somebody has been reading the log for too long.
        """
        self._db.change(_BRIEFLY)
        self._db.change(f"DROP TABLE {name}")


def _not_whole(number: int) -> StoreError:
    return StoreError(f"row {number} is missing or was changed, so nothing is removed (see hall audit verify)")
