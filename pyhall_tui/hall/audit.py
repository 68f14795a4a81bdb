"""The decision log: each row's hash covers the row before it, so a changed or missing row is found."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from pyhall_tui.hall.errors import StoreError
from pyhall_tui.hall.store import Store
from pyhall_tui.hall.store.chain import Mark, Row, entry_hash, is_removal
from pyhall_tui.hall.store.protocol import Batch

encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
"""Returns a receipt's JSON as the ecosystem's logs are hashed."""
_PAGE = 500  # rows read at a time for a reader that may be slow
_PIECE = 5000  # rows counted at a time: about 20 ms


def append(store: Store, *receipts: dict[str, Any]) -> int:
    """Add receipts to the log in one transaction; return the number of the last."""
    batch = Batch([encode(receipt) for receipt in receipts])
    return store.log.decide(lambda: batch)


class Removal(msgspec.Struct, frozen=True, kw_only=True, rename={"first": "from", "last": "to"}):
    """A row of the log itself: what retention removes from it, written before anything is removed.

    `last_hash` is the hash of row `last`. Every removal from row `recorded_from` on is recorded in such a row; if that
    is not 1, the rows before it are missing without an explanation.
    """

    at: str
    first: int
    last: int
    last_hash: str
    reason: str
    recorded_from: int = 1

    def told(self, gone: int) -> str:
        """Return a sentence about it; `gone` is the last row that is no longer there."""
        yet = "" if gone == self.last else f", and those up to {self.last:,} will follow"
        return f"rows 1 to {gone:,} were removed by retention{yet}, as recorded on {self.at}: {self.reason}"


class _RemovalRow(msgspec.Struct):
    retention: Removal


def append_removal(store: Store, removal: Removal) -> None:
    """Record in the log what is about to be removed from it."""
    append(store, {"retention": msgspec.to_builtins(removal)})


def last_removal(store: Store) -> Removal | None:
    """Return the newest recorded removal, or None."""
    receipt = store.log.last_removal()
    return _removal(receipt) if receipt else None


def _removal(receipt: str) -> Removal | None:
    try:
        return msgspec.json.decode(receipt, type=_RemovalRow).retention
    except msgspec.DecodeError:
        return None


def time_of(row: Row) -> str | None:
    """Return when a row says it was made (ISO 8601); None if it says nothing."""
    receipt = json.loads(row.receipt)
    at = receipt.get("decided_at") or receipt.get("retention", {}).get("at")
    return at if isinstance(at, str) else None


def hash_of(store: Store, seq: int) -> str:
    """Return a row's hash.

    Raises:
        StoreError: there is no such row.
    """
    found = store.log.hash_of(seq)
    if found is None:
        raise StoreError(f"row {seq} of the decision log is missing (hall audit verify)")
    return found


def export(store: Store) -> Iterator[str]:
    """Yield the log's rows as lines of an evidence log (contract, part 2), oldest first."""
    with store.snapshot():
        (first, before), (last, _) = store.log.anchor(), store.log.head()
    for row in rows_between(store, first, last):
        yield f'{{"prev_hash":"{before}","entry_hash":"{row.entry_hash}","receipt":{row.receipt}}}'
        before = row.entry_hash


def rows_between(store: Store, first: int, last: int) -> Iterator[Row]:
    """Yield the rows after number `first` up to number `last`, oldest first.

    They are read in pages, each a short transaction, so a slow reader never blocks a checkpoint of the write-ahead log.

    Raises:
        StoreError: rows were removed from the log before they were read.
    """
    while first < last:
        with store.snapshot():
            if store.log.anchor().seq > first:
                raise StoreError("old decisions were removed from the log while it was read: start again")
            page = store.log.page(first, last, _PAGE)
        yield from page
        first = page[-1].seq if page else last


def decisions(store: Store, limit: int, *, namespace: str | None = None, after: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the last `limit` decisions (of one namespace) above number `after`, newest first, numbered as `seq`."""
    for seq, receipt in store.log.newest(limit, namespace, after):
        yield {"seq": seq} | json.loads(receipt)


class Tally:
    """How many decisions there are. Each count continues from the last one, so a long log is read only once."""

    def __init__(self) -> None:
        self._counted_to = 0
        self._rules: Counter[tuple[str, str]] = Counter()
        self._days: Counter[tuple[str, str, str]] = Counter()

    async def count_on(self, store: Store) -> None:
        """Count what was added; requests are answered between pieces of the log."""
        last = store.log.head().seq
        if last < self._counted_to:  # the store has a different log now
            self._counted_to = 0
            self._rules.clear()
            self._days.clear()
        while self._counted_to < last:
            upto = min(last, self._counted_to + _PIECE)
            for of, rule, outcome, day, count in store.log.tally(self._counted_to, upto):
                self._rules[of, rule] += count
                self._days[day, of, outcome] += count
            self._counted_to = upto
            await asyncio.sleep(0)

    def by_rule(self, namespace: str | None) -> dict[str, int]:
        """Return how many decisions (of one namespace) each rule made."""
        found: Counter[str] = Counter()
        for (of, rule), count in self._rules.items():
            if namespace in (None, of):
                found[rule] += count
        return dict(found)

    def of_day(self, day: str, namespace: str | None) -> dict[str, int]:
        """Return how many decisions (of one namespace) on a day (`2026-11-25`, UTC) had each outcome."""
        found: Counter[str] = Counter()
        for key in [key for key in self._days if key[0] < day]:
            del self._days[key]  # nobody asks about past days
        for (on, of, outcome), count in self._days.items():
            if on == day and namespace in (None, of):
                found[outcome] += count
        return dict(found)


@dataclass(frozen=True)
class Checked:
    """What a check of the log found: how many decisions it read and, if it is not whole, the first bad row and why.

    `removal` is what the log says was removed before the rows that were read, and `gone` is the last row that is no
    longer there; some of the rows to remove may still be there.
    """

    rows: int
    bad_seq: int | None = None
    why: str = ""
    removal: Removal | None = None
    gone: int = 0

    @property
    def whole(self) -> bool:
        """Whether nothing was changed, truncated, or is missing without a row that records why."""
        return self.bad_seq is None


def verify(store: Store, known_head: tuple[int, str] | None = None) -> Checked:
    """Read the whole log and check it against its chain, its head, and `known_head`, which was kept elsewhere."""
    with store.snapshot():
        return _verify(store, known_head)


def _verify(store: Store, known_head: tuple[int, str] | None) -> Checked:
    start = expected, before = store.log.anchor()
    known = dict([known_head] if known_head else [])
    rows, removal = 0, None
    if known.get(expected, before) != before:
        return Checked(rows, expected, "the row is not the one whose hash was kept elsewhere")
    for seq, entry, receipt in store.log.rows():
        expected += 1
        if seq != expected:
            return Checked(rows, expected, "the row is missing")
        if entry != entry_hash(before, receipt):
            return Checked(rows, seq, "the row, or its hash, was changed")
        if known.get(seq, entry) != entry:
            return Checked(rows, seq, "the row is not the one whose hash was kept elsewhere")
        before = entry
        if is_removal(receipt):
            removal = _removal(receipt)
            if removal is None or not removal.first <= removal.last < seq:
                return Checked(rows, seq, "the row says that rows were removed, but not which")
        else:
            rows += 1
    found = _check_end(rows, Mark(expected, before), store.log.head(), known_head)
    if found.whole:
        found = _check_start(store, rows, start, removal)
    if found.whole and known_head and known_head[0] < start[0]:
        why = f"the row is no longer kept, so its hash proves nothing. {removal.told(start[0]) if removal else ''}"
        return Checked(rows, known_head[0], why.strip(), removal, start[0])
    return found


def _check_start(store: Store, rows: int, start: tuple[int, str], removal: Removal | None) -> Checked:
    """Compare the rows missing before the first one with what the log says was removed."""
    if start[0] == 0:
        return Checked(rows)
    if removal is None or removal.last < start[0]:
        first = removal.last + 1 if removal else 1
        return Checked(rows, first, f"rows {first:,} to {start[0]:,} are missing, and {_NO_RECORD}", removal, start[0])
    if removal.recorded_from > 1:
        missing = f"rows 1 to {removal.recorded_from - 1:,} are missing, and {_NO_RECORD}"
        return Checked(rows, 1, missing, removal, start[0])
    at_last = start[1] if removal.last == start[0] else hash_of(store, removal.last)
    if at_last != removal.last_hash:
        why = "the row is not the last one that the log says was removed"
        return Checked(rows, removal.last, why, removal, start[0])
    return Checked(rows, removal=removal, gone=start[0])


_NO_RECORD = (
    "no row of the log says that retention removed them, so the log is not proven "
    "(earlier versions of pyhall-tui removed old rows without recording it)"
)


def _check_end(
    rows: int, last: tuple[int, str], stated: tuple[int, str], known_head: tuple[int, str] | None
) -> Checked:
    if known_head and known_head[0] > last[0]:
        return Checked(
            rows,
            last[0] + 1,
            f"rows up to {known_head[0]}, whose hash was kept elsewhere, are missing: the log is truncated",
        )
    if stated[0] > last[0]:
        return Checked(rows, last[0] + 1, f"the log is truncated: its head is row {stated[0]}")
    if stated != last:
        return Checked(rows, last[0], "the row is not the one that the log's head names")
    return Checked(rows)
