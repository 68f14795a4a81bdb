"""The decision log in a hall's SQLite file."""

from collections.abc import Callable, Iterator

from pyhall_tui.hall.errors import StoreError
from pyhall_tui.hall.store.chain import GENESIS, Mark, Row, entry_hash, is_removal
from pyhall_tui.hall.store.database import Database
from pyhall_tui.hall.store.protocol import CHECKPOINTS_KEPT, Batch, Tallied
from pyhall_tui.hall.store.sqlite_memory import SqliteMemory

_IS_REMOVAL = "namespace IS NULL"  # served by an index: every decision has a namespace
_IS_DECISION = "+namespace IS NOT NULL"  # `+`: use the order of the rows, not that index
_ROW = "seq, entry_hash, receipt"


class SqliteLog:
    """A `Log` over one connection. Its head is cached for as long as nobody else writes."""

    waits = False

    def __init__(self, db: Database, memory: SqliteMemory) -> None:
        self._db, self._memory = db, memory
        self._head: Mark | None = None
        self._head_at = 0  # `memory.elsewhere` at that time

    def decide(self, judge: Callable[[], Batch]) -> int:
        """As `Log` says: the file is locked before `judge` is called, so once is enough."""
        with self._db.lock:
            within = self._db.in_transaction
            with self._db.transaction() as db:
                if not within:
                    self._memory.look()
                known = self._head if self._head_at == self._memory.elsewhere and not within else None
                head = known or self.head()
                batch = judge()
                seq, entry = head
                rows = []
                for text in batch.receipts:
                    seq, entry = seq + 1, entry_hash(entry, text)
                    rows.append((seq, entry, text))
                if rows:
                    db.executemany(f"INSERT INTO decisions ({_ROW}) VALUES (?, ?, ?)", rows)
                    db.execute("INSERT OR REPLACE INTO meta VALUES ('audit_head', ?)", (f"{seq}:{entry}",))
                if batch.rates:
                    db.executemany(
                        "INSERT OR REPLACE INTO rates VALUES (?, ?, ?, ?, ?)", [each[:5] for each in batch.rates]
                    )
                    revision = self._memory.last_revision()
            if batch.rates and not within:
                self._memory.kept(batch.rates, revision)
            self._head, self._head_at = None if within else Mark(seq, entry), self._memory.elsewhere
            return seq

    async def decide_beside(self, judge: Callable[[], Batch]) -> int:
        """As `Log` says."""
        return self.decide(judge)

    def forget_head(self) -> None:
        """Read the head again at the next decision: it may have changed."""
        self._head = None

    def head(self) -> Mark:
        """As `Log` says."""
        return self._mark("audit_head")

    def anchor(self) -> Mark:
        """As `Log` says."""
        return self._mark("audit_anchor")

    def _mark(self, name: str) -> Mark:
        stated = self._db.value("SELECT value FROM meta WHERE name = ?", name) or f"0:{GENESIS}"
        seq, _, entry = stated.partition(":")
        if not (seq.isascii() and seq.isdigit() and len(seq) < 19):
            raise StoreError(f"the hall's store has {stated} as {name}, which is not a row of the decision log")
        return Mark(int(seq), entry)

    # Rows

    def hash_of(self, seq: int) -> str | None:
        """As `Log` says."""
        found: str | None = self._db.value("SELECT entry_hash FROM decisions WHERE seq = ?", seq)
        return found

    def page(self, after: int, upto: int, most: int) -> list[Row]:
        """As `Log` says."""
        sql = f"SELECT {_ROW} FROM decisions WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
        return [Row(*row) for row in self._db.read(sql, after, upto, most)]

    def rows(self) -> Iterator[Row]:
        """As `Log` says."""
        for row in self._db.stream(f"SELECT {_ROW} FROM decisions ORDER BY seq"):
            yield Row(*row)

    def newest(self, most: int, namespace: str | None, after: int) -> list[tuple[int, str]]:
        """As `Log` says."""
        where, values = ("namespace = ?", (namespace,)) if namespace is not None else (_IS_DECISION, ())
        sql = f"SELECT seq, receipt FROM decisions WHERE {where} AND seq > ? ORDER BY seq DESC LIMIT ?"
        return [(seq, receipt) for seq, receipt in self._db.read(sql, *values, after, most)]

    def removals(self) -> Iterator[int]:
        """As `Log` says."""
        for (seq,) in self._db.read(f"SELECT seq FROM decisions WHERE {_IS_REMOVAL} ORDER BY seq DESC"):
            yield seq

    def last_removal(self) -> str | None:
        """As `Log` says."""
        sql = f"SELECT receipt FROM decisions WHERE {_IS_REMOVAL} ORDER BY seq DESC LIMIT 1"
        receipt: str | None = self._db.value(sql)
        return receipt

    # Counts and times

    def count(self) -> int:
        """As `Log` says."""
        found: int = self._db.value("SELECT count(*) FROM decisions WHERE decided_at >= ''")  # by an index
        return found

    def counts(self, since: str, namespace: str | None) -> dict[str, int]:
        """As `Log` says."""
        where, values = ("AND namespace = ?", (namespace,)) if namespace is not None else ("", ())
        sql = f"SELECT outcome, count(*) FROM decisions WHERE decided_at >= ? {where} GROUP BY outcome"
        return dict(map(tuple, self._db.read(sql, since, *values)))

    def rule_hits(self) -> dict[str, int]:
        """As `Log` says."""
        sql = f"SELECT rule, count(*) FROM decisions WHERE {_IS_DECISION} GROUP BY rule"
        return dict(map(tuple, self._db.read(sql)))

    def tally(self, after: int, upto: int) -> list[Tallied]:
        """As `Log` says."""
        sql = (
            "SELECT namespace, rule, outcome, substr(decided_at, 1, 10), count(*) FROM decisions "
            f"WHERE seq > ? AND seq <= ? AND {_IS_DECISION} GROUP BY 1, 2, 3, 4"
        )
        return [Tallied(*row) for row in self._db.read(sql, after, upto)]

    def first_since(self, after: int, upto: int, at: str) -> int | None:
        """As `Log` says."""
        sql = "SELECT seq FROM decisions WHERE seq > ? AND seq <= ? AND +decided_at >= ? ORDER BY seq LIMIT 1"
        found: int | None = self._db.value(sql, after, upto, at)
        return found

    def newest_time(self, before: str) -> str | None:
        """As `Log` says."""
        found: str | None = self._db.value("SELECT max(decided_at) FROM decisions WHERE decided_at < ?", before)
        return found

    def oldest_time(self, since: str) -> str | None:
        """As `Log` says."""
        found: str | None = self._db.value("SELECT min(decided_at) FROM decisions WHERE decided_at >= ?", since)
        return found

    # Removals, and decisions made elsewhere

    def removable(self, upto: int) -> int:
        """As `Log` says: any row."""
        return upto

    def removed_with(self, seq: int) -> int:
        """As `Log` says: with no other row."""
        return seq

    def take_out(self, upto: int, most: int) -> int | None:
        """As `Log` says."""
        with self._db.transaction() as db:
            number, before = self.anchor()
            rows = self.page(-1, upto, most)
            if not rows:
                return None
            decisions = 0
            for seq, entry, receipt in rows:
                number += 1
                if seq != number or entry != entry_hash(before, receipt):
                    raise StoreError(
                        f"row {number} is missing or was changed, so nothing is removed (see hall audit verify)"
                    )
                before = entry
                decisions += not is_removal(receipt)
            db.execute("INSERT OR REPLACE INTO meta VALUES ('audit_anchor', ?)", (f"{number}:{before}",))
            db.execute(
                "DELETE FROM ingested WHERE (namespace, decision_id) IN (SELECT namespace, "
                "json_extract(receipt, '$.decision_id') FROM decisions WHERE seq <= ? AND +rule = 'ingested')",
                (number,),
            )
            db.execute("DELETE FROM decisions WHERE seq <= ?", (number,))
        return decisions

    def put_checkpoint(self, seq: int, note: str) -> None:
        """As `Log` says."""
        with self._db.transaction() as db:
            sql = "INSERT INTO checkpoints VALUES (?, ?) ON CONFLICT (seq) DO UPDATE SET note = note || excluded.note"
            db.execute(sql, (seq, note))
            db.execute(
                "DELETE FROM checkpoints WHERE seq <= (SELECT seq FROM checkpoints ORDER BY seq DESC LIMIT 1 OFFSET ?)",
                (CHECKPOINTS_KEPT,),
            )

    def checkpoints(self) -> list[str]:
        """As `Log` says."""
        return [note for (note,) in self._db.read("SELECT note FROM checkpoints ORDER BY seq")]

    def last_checkpoint(self) -> str | None:
        """As `Log` says."""
        note: str | None = self._db.value("SELECT note FROM checkpoints ORDER BY seq DESC LIMIT 1")
        return note

    def note_ingested(self, namespace: str, decision_id: str, seq: int) -> bool:
        """As `Log` says."""
        with self._db.transaction() as db:
            row = (namespace, decision_id, seq)
            return db.execute("INSERT OR IGNORE INTO ingested VALUES (?, ?, ?)", row).rowcount > 0
