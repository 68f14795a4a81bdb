"""The decision log: each row's hash covers the row before it, so a changed or missing row is found."""

import asyncio
import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from pyhall_tui.hall.errors import StoreError
from pyhall_tui.hall.store import Store

GENESIS = "GENESIS"
_CHECKPOINT_EVERY = 2000  # writes, about 48 MiB of write-ahead log
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))  # as the ecosystem's logs are hashed
_PAGE = 500  # rows read at a time for a reader that may be slow
_PIECE = 5000  # rows counted at a time: about 20 ms


class Beside(Protocol):
    """What is written in the same transaction as decisions: how much of a rule's rate they used."""

    def save(self, db: sqlite3.Connection) -> None:
        """Write it."""
        ...

    def saved(self) -> None:
        """Note that the transaction is committed."""
        ...


def append(store: Store, *receipts: dict[str, Any], beside: Beside | None = None) -> int:
    """Add decisions and the new head in one transaction; return the number of the last decision."""
    return _append(store, [_ENCODER.encode(receipt) for receipt in receipts], beside)


def _append(store: Store, texts: list[str], beside: Beside | None) -> int:
    with store.write(log_alone=True) as db:
        seq, entry = head(store)
        rows = []
        for text in texts:
            seq, entry = seq + 1, entry_hash(entry, text)
            rows.append((seq, entry, text))
        db.executemany("INSERT INTO decisions (seq, entry_hash, receipt) VALUES (?, ?, ?)", rows)
        db.execute("INSERT OR REPLACE INTO meta VALUES ('audit_head', ?)", (f"{seq}:{entry}",))
        if beside:
            beside.save(db)
    if beside:
        beside.saved()
    return seq


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


_REMOVAL = '{"retention":'  # a decision's row never begins like this
IS_REMOVAL = "namespace IS NULL"
"""SQL, served by an index: every decision has a namespace."""
_IS_DECISION = "+namespace IS NOT NULL"  # `+`: use the order of the rows, not that index


class _RemovalRow(msgspec.Struct):
    retention: Removal


def is_removal(receipt: str) -> bool:
    """Whether a row of the log records a removal, and is not a decision."""
    return receipt.startswith(_REMOVAL)


def append_removal(store: Store, removal: Removal) -> None:
    """Record in the log what is about to be removed from it."""
    append(store, {"retention": msgspec.to_builtins(removal)})


def last_removal(store: Store) -> Removal | None:
    """Return the newest recorded removal, or None."""
    sql = f"SELECT receipt FROM decisions WHERE {IS_REMOVAL} ORDER BY seq DESC LIMIT 1"
    rows = store.read(sql)
    return _removal(rows[0][0]) if rows else None


def _removal(receipt: str) -> Removal | None:
    try:
        return msgspec.json.decode(receipt, type=_RemovalRow).retention
    except msgspec.DecodeError:
        return None


class Ledger:
    """Writes all decisions of one turn of the event loop to the log in one transaction.

    A transaction costs as much as the rest of a dispatch. The caller of `append` sends the decision afterwards.
    """

    def __init__(self, store: Store, beside: Beside | None = None) -> None:
        self._store, self._beside = store, beside
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []
        self._writes = 0

    async def append(self, receipt: dict[str, Any]) -> None:
        """Add a decision; it is in the log on return.

        Raises:
            StoreError: it could not be written, and is not in the log.
        """
        text = _ENCODER.encode(receipt)
        loop = asyncio.get_running_loop()
        written = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._write)
        self._waiting.append((text, written))
        await written

    def _write(self) -> None:
        waiting, self._waiting = self._waiting, []
        try:
            _append(self._store, [text for text, _ in waiting], self._beside)
        except Exception as error:
            _resolve(waiting, error)
            return
        _resolve(waiting, None)
        self._writes += 1
        if self._writes % _CHECKPOINT_EVERY == 0:  # in a thread, as the disk takes about 10 ms
            asyncio.get_running_loop().run_in_executor(None, self._store.checkpoint)


def _resolve(waiting: list[tuple[str, "asyncio.Future[None]"]], error: Exception | None) -> None:
    for _, written in waiting:
        if written.done():  # its caller is gone
            continue
        if error is None:
            written.set_result(None)
        else:
            written.set_exception(error)


def entry_hash(prev_hash: str, receipt: str) -> str:
    """Return a row's hash: SHA-256 of the hash before it and the receipt's JSON, as in the published workers' logs."""
    return hashlib.sha256((prev_hash + receipt).encode()).hexdigest()


def head(store: Store) -> tuple[int, str]:
    """Return the number and hash of the last row. A copy kept elsewhere proves the log up to there."""
    return _mark(store, "audit_head")


def anchor(store: Store) -> tuple[int, str]:
    """Return the number and hash of the last removed row; the log is whole from there on."""
    return _mark(store, "audit_anchor")


def hash_of(store: Store, seq: int) -> str:
    """Return a row's hash.

    Raises:
        StoreError: there is no such row.
    """
    rows = store.read("SELECT entry_hash FROM decisions WHERE seq = ?", seq)
    if not rows:
        raise StoreError(f"row {seq} of the decision log is missing (hall audit verify)")
    return str(rows[0][0])


def _mark(store: Store, name: str) -> tuple[int, str]:
    stated = store.meta(name) or f"0:{GENESIS}"
    seq, _, entry = stated.partition(":")
    if not (seq.isascii() and seq.isdigit() and len(seq) < 19):
        raise StoreError(f"the hall's store has {stated} as {name}, which is not a row of the decision log")
    return int(seq), entry


def export(store: Store) -> Iterator[str]:
    """Yield the log's rows as lines of an evidence log (contract, part 2), oldest first."""
    with store.snapshot():
        (first, before), (last, _) = anchor(store), head(store)
    for row in rows_between(store, first, last):
        yield f'{{"prev_hash":"{before}","entry_hash":"{row["entry_hash"]}","receipt":{row["receipt"]}}}'
        before = row["entry_hash"]


def rows_between(store: Store, first: int, last: int) -> Iterator[sqlite3.Row]:
    """Yield the rows after number `first` up to number `last`, oldest first, with `seq`, `entry_hash` and `receipt`.

    They are read in pages, each a short transaction, so a slow reader never blocks a checkpoint of the write-ahead log.

    Raises:
        StoreError: rows were removed from the log before they were read.
    """
    sql = "SELECT seq, entry_hash, receipt FROM decisions WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
    while first < last:
        with store.snapshot():
            if anchor(store)[0] > first:
                raise StoreError("old decisions were removed from the log while it was read: start again")
            page = store.read(sql, first, last, _PAGE)
        yield from page
        first = page[-1]["seq"] if page else last


def decisions(store: Store, limit: int, *, namespace: str | None = None, after: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the last `limit` decisions (of one namespace) above number `after`, newest first, numbered as `seq`."""
    where, values = ("namespace = ?", (namespace,)) if namespace is not None else (_IS_DECISION, ())
    sql = f"SELECT seq, receipt FROM decisions WHERE {where} AND seq > ? ORDER BY seq DESC LIMIT ?"
    for seq, receipt in store.read(sql, *values, after, limit):
        yield {"seq": seq} | json.loads(receipt)


def counts(store: Store, since: str, namespace: str | None = None) -> dict[str, int]:
    """Return how many decisions since an instant (ISO 8601 in UTC) had each outcome."""
    where, values = ("AND namespace = ?", (namespace,)) if namespace is not None else ("", ())
    sql = f"SELECT outcome, count(*) FROM decisions WHERE decided_at >= ? {where} GROUP BY outcome"
    return dict(map(tuple, store.read(sql, since, *values)))


def count(store: Store) -> int:
    """Return how many decisions the log holds."""
    found: int = store.read("SELECT count(*) FROM decisions WHERE decided_at >= ''")[0][0]  # uses an index
    return found


def rule_hits(store: Store) -> dict[str, int]:
    """Return how many decisions in the log each rule made; `registry` and `default` count as rules."""
    return dict(map(tuple, store.read(f"SELECT rule, count(*) FROM decisions WHERE {_IS_DECISION} GROUP BY rule")))


class Tally:
    """How many decisions there are. Each count continues from the last one, so a long log is read only once."""

    def __init__(self) -> None:
        self._counted_to = 0
        self._rules: Counter[tuple[str, str]] = Counter()
        self._days: Counter[tuple[str, str, str]] = Counter()

    async def count_on(self, store: Store) -> None:
        """Count what was added; requests are answered between pieces of the log."""
        last = head(store)[0]
        if last < self._counted_to:  # the store has a different log now
            self._counted_to = 0
            self._rules.clear()
            self._days.clear()
        while self._counted_to < last:
            upto = min(last, self._counted_to + _PIECE)
            sql = (
                "SELECT namespace, rule, outcome, substr(decided_at, 1, 10), count(*) FROM decisions "
                f"WHERE seq > ? AND seq <= ? AND {_IS_DECISION} GROUP BY 1, 2, 3, 4"
            )
            for of, rule, outcome, day, count in store.read(sql, self._counted_to, upto):
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
    start = expected, before = anchor(store)
    known = dict([known_head] if known_head else [])
    rows, removal = 0, None
    if known.get(expected, before) != before:
        return Checked(rows, expected, "the row is not the one whose hash was kept elsewhere")
    for seq, entry, receipt in store.stream("SELECT seq, entry_hash, receipt FROM decisions ORDER BY seq"):
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
    found = _check_end(rows, (expected, before), head(store), known_head)
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
