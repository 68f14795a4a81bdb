"""The decision log: each row's hash covers the row before it, so a changed or missing row is found."""

import asyncio
import hashlib
import json
import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pyhall_tui.hall.errors import StoreError
from pyhall_tui.hall.store import Store, iso

_log = logging.getLogger(__name__)
GENESIS = "GENESIS"
_PRUNE_EVERY = 1000
_CHECKPOINT_EVERY = 2000  # writes, some 48 MiB of write-ahead log
_DAY = 86_400.0  # seconds
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))  # as the ecosystem's logs are hashed
_PIECE = 5000  # rows that are counted in one go: some 20 ms


def append(store: Store, *receipts: dict[str, Any]) -> int:
    """Add decisions to the log, in one transaction with the head that stands outside; return the last one's number."""
    return _append(store, [_ENCODER.encode(receipt) for receipt in receipts])


def _append(store: Store, texts: list[str]) -> int:
    with store.write(log_alone=True) as db:
        seq, entry = head(store)
        rows = []
        for text in texts:
            seq, entry = seq + 1, entry_hash(entry, text)
            rows.append((seq, entry, text))
        db.executemany("INSERT INTO decisions (seq, entry_hash, receipt) VALUES (?, ?, ?)", rows)
        db.execute("INSERT OR REPLACE INTO meta VALUES ('audit_head', ?)", (f"{seq}:{entry}",))
    return seq


class Ledger:
    """Puts into the log, in one transaction, what is decided in one turn of the event loop.

    A transaction costs as much as everything else of a dispatch. Who waits for `append` tells the decision afterwards.
    """

    def __init__(self, store: Store, retention: "Retention") -> None:
        self._store, self._retention = store, retention
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
            last = _append(self._store, [text for text, _ in waiting])
        except Exception as error:
            _resolve(waiting, error)
            return
        _resolve(waiting, None)
        try:
            self._retention.after(self._store, last)
        except StoreError as error:  # what was decided is in the log all the same
            _log.warning("old decisions stay in the log: %s", error)
        self._writes += 1
        if self._writes % _CHECKPOINT_EVERY == 0:  # elsewhere: all who wait would wait for the disk, some 10 ms
            asyncio.get_running_loop().run_in_executor(None, self._store.checkpoint)


def _resolve(waiting: list[tuple[str, "asyncio.Future[None]"]], error: Exception | None) -> None:
    for _, written in waiting:
        if written.done():  # who waited is gone
            continue
        if error is None:
            written.set_result(None)
        else:
            written.set_exception(error)


def entry_hash(prev_hash: str, receipt: str) -> str:
    """Return a row's hash: SHA-256 of the hash before it and the receipt's JSON, as in the published workers' logs."""
    return hashlib.sha256((prev_hash + receipt).encode()).hexdigest()


def head(store: Store) -> tuple[int, str]:
    """Return number and hash of the last row: printed and kept elsewhere, it proves the log up to there."""
    return _mark(store, "audit_head")


def _mark(store: Store, name: str) -> tuple[int, str]:
    seq, _, entry = (store.meta(name) or f"0:{GENESIS}").partition(":")
    return int(seq), entry


def prune(store: Store, rows: int, days: float = 0.0) -> int:
    """Take out all but the last `rows` rows, and all that are older than `days` (0: any age); return how many.

    The last row taken out is remembered with its hash: the rest is whole from there.
    """
    with store.write() as db:
        end = head(store)[0]
        last = max(end - rows, _last_older(store, days, end))
        found = store.read("SELECT entry_hash FROM decisions WHERE seq = ?", last)
        if not found:
            return 0
        store.set_meta("audit_anchor", f"{last}:{found[0][0]}")
        db.execute("DELETE FROM ingested WHERE seq <= ?", (last,))
        return db.execute("DELETE FROM decisions WHERE seq <= ?", (last,)).rowcount


def _last_older(store: Store, days: float, end: int) -> int:
    """Return the number of the last row before the first one that is young enough; 0 where age does not count."""
    if not days:
        return 0
    since = iso(datetime.fromisoformat(store.now()).timestamp() - days * _DAY)
    # `+`: from the oldest row on, as far as they are too old, and not by the index over all that are young enough
    young = store.read("SELECT seq FROM decisions WHERE +decided_at >= ? ORDER BY seq LIMIT 1", since)
    return young[0][0] - 1 if young else end


class Retention:
    """How much of the log is kept: so many rows, and none older than so many days (0: of any age).

    What is beyond that is taken out with each thousandth decision and, where age counts, each day's first.
    """

    def __init__(self, rows: int = 1_000_000, days: float = 0.0) -> None:
        self.rows, self.days = rows, days
        self._day, self._thousand = "", 0

    def after(self, store: Store, seq: int) -> None:
        """Take out what is too much, if it is time, now that the rows up to `seq` were added."""
        day, thousand = store.now()[:10] if self.days else "", seq // _PRUNE_EVERY
        if (day, thousand) != (self._day, self._thousand):
            self._day, self._thousand = day, thousand
            prune(store, self.rows, self.days)


def export(store: Store) -> Iterator[str]:
    """Yield the log's rows as lines of an evidence log (contract, part 2), oldest first."""
    with store.snapshot():
        before = _mark(store, "audit_anchor")[1]
        for entry, receipt in store.stream("SELECT entry_hash, receipt FROM decisions ORDER BY seq"):
            yield f'{{"prev_hash":"{before}","entry_hash":"{entry}","receipt":{receipt}}}'
            before = entry


def decisions(store: Store, limit: int, *, namespace: str | None = None, after: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the last `limit` decisions (of one namespace) above number `after`, newest first, numbered as `seq`."""
    where, values = ("namespace = ? AND", (namespace,)) if namespace is not None else ("", ())
    sql = f"SELECT seq, receipt FROM decisions WHERE {where} seq > ? ORDER BY seq DESC LIMIT ?"
    for seq, receipt in store.read(sql, *values, after, limit):
        yield {"seq": seq} | json.loads(receipt)


def counts(store: Store, since: str, namespace: str | None = None) -> dict[str, int]:
    """Return how many decisions since an instant (ISO 8601 in UTC) came to each outcome."""
    where, values = ("AND namespace = ?", (namespace,)) if namespace is not None else ("", ())
    sql = f"SELECT outcome, count(*) FROM decisions WHERE decided_at >= ? {where} GROUP BY outcome"
    return dict(map(tuple, store.read(sql, since, *values)))


def rule_hits(store: Store) -> dict[str, int]:
    """Return how many of the decisions in the log each rule made; `registry` and `default` count like rules."""
    return dict(map(tuple, store.read("SELECT rule, count(*) FROM decisions GROUP BY rule")))


class Tally:
    """How many decisions there are, counted on from where one was, so that a long log is read once."""

    def __init__(self) -> None:
        self._counted_to = 0
        self._rules: Counter[tuple[str, str]] = Counter()
        self._days: Counter[tuple[str, str, str]] = Counter()

    async def count_on(self, store: Store) -> None:
        """Count what was added; requests are answered between two pieces of the log."""
        last = head(store)[0]
        if last < self._counted_to:  # another log was put into the store
            self._counted_to = 0
            self._rules.clear()
            self._days.clear()
        while self._counted_to < last:
            upto = min(last, self._counted_to + _PIECE)
            sql = (
                "SELECT namespace, rule, outcome, substr(decided_at, 1, 10), count(*) FROM decisions "
                "WHERE seq > ? AND seq <= ? GROUP BY 1, 2, 3, 4"
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
        """Return how many decisions (of one namespace) of a day (`2026-11-25`, UTC) came to each outcome."""
        found: Counter[str] = Counter()
        for key in [key for key in self._days if key[0] < day]:
            del self._days[key]  # days that are over are not asked for
        for (on, of, outcome), count in self._days.items():
            if on == day and namespace in (None, of):
                found[outcome] += count
        return dict(found)


@dataclass(frozen=True)
class Checked:
    """What a check of the log found: how many rows were read and, where it is not whole, the first bad row and why.

    `why` of a whole one is what could not be told.
    """

    rows: int
    bad_seq: int | None = None
    why: str = ""

    @property
    def whole(self) -> bool:
        """Whether nothing is changed, missing or cut off."""
        return self.bad_seq is None


def verify(store: Store, known_head: tuple[int, str] | None = None) -> Checked:
    """Read the whole log and check it against its chain, its head, and `known_head` that was kept elsewhere."""
    with store.snapshot():
        return _verify(store, known_head)


def _verify(store: Store, known_head: tuple[int, str] | None) -> Checked:
    anchor = expected, before = _mark(store, "audit_anchor")
    known = dict([known_head] if known_head else [])
    rows = 0
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
        rows += 1
    found = _check_end(rows, (expected, before), head(store), known_head)
    if found.whole and known_head and known_head[0] < anchor[0]:
        return Checked(rows, why=f"row {known_head[0]} is no longer kept, so its hash proves nothing")
    return found


def _check_end(
    rows: int, last: tuple[int, str], stated: tuple[int, str], known_head: tuple[int, str] | None
) -> Checked:
    if known_head and known_head[0] > last[0]:
        return Checked(rows, last[0] + 1, f"rows up to {known_head[0]}, whose hash was kept elsewhere, are cut off")
    if stated[0] > last[0]:
        return Checked(rows, last[0] + 1, f"the log's end is cut off: its head is row {stated[0]}")
    if stated != last:
        return Checked(rows, last[0], "the row is not the one that the log's head names")
    return Checked(rows)
