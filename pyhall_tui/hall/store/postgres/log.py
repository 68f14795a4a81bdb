"""The decision log in a hall's PostgreSQL store: one chain for all halls."""

from collections.abc import Callable, Iterator, Sequence

from pyhall_tui.hall.errors import StoreError
from pyhall_tui.hall.store.chain import GENESIS, Mark, Row
from pyhall_tui.hall.store.postgres.appender import Append, Appended, Appender
from pyhall_tui.hall.store.postgres.connection import Connection
from pyhall_tui.hall.store.postgres.memory import PostgresMemory
from pyhall_tui.hall.store.postgres.partitions import Partitions
from pyhall_tui.hall.store.protocol import CHECKPOINTS_KEPT, Batch, KeptRate, Tallied

_TRIES, _TRIES_BESIDE = 3, 10
"""So often a decision is made again if another hall was faster; then it locks the others out, and the loop waits."""
_ROW = "seq, entry_hash, receipt"
_IS_DECISION = "namespace IS NOT NULL"
_ANCHOR = "audit_anchor"


class PostgresLog:
    """A `Log` over one connection, and a second one for what is appended beside an event loop."""

    waits = True

    def __init__(self, db: Connection, memory: PostgresMemory, partitions: Partitions) -> None:
        self._db, self._memory, self._partitions = db, memory, partitions
        self._append, self._appender = Append(db), Appender(db)

    def decide(self, judge: Callable[[], Batch]) -> int:
        """As `Log` says. It is judged from memory, without a lock, and again if that was not the newest state."""
        with self._db.lock:
            if self._db.in_transaction:  # it holds the head's row, so nothing can change
                return self._append(None, judge()).last
            if self._memory.is_known_to_be_old:
                self._memory.catch_up()
            for _ in range(_TRIES):
                batch = self._judged(judge)
                if not batch.receipts and not batch.rates:
                    return self.head().seq
                done = self._append(self._memory.revision, batch)
                if not done.is_stale:
                    return self._kept(batch.rates, done)
                self._memory.catch_up()
            return self._decide_alone(judge)

    async def decide_beside(self, judge: Callable[[], Batch]) -> int:
        """As `Log` says. Only the server's answer is waited for; it is judged on the event loop, as in `decide`."""
        for _ in range(_TRIES_BESIDE):
            if self._memory.is_known_to_be_old:
                await self._memory.look_beside()
            with self._db.lock:
                if self._memory.is_outdated:  # it was lost just now
                    self._memory.catch_up()
                place, judged_by = self._db.place(), self._memory.revision
                batch = self._judged(judge)
            if not batch.receipts and not batch.rates:
                return self.head().seq
            done = await self._appender.append(place, judged_by, batch)
            if not done.is_stale:
                return self._kept(batch.rates, done)
            if self._memory.revision == judged_by:
                await self._memory.look_beside()
                if self._memory.revision == judged_by:  # not even heard of yet
                    await self._memory.look_now()
        with self._db.lock:
            return self._decide_alone(judge)

    def _decide_alone(self, judge: Callable[[], Batch]) -> int:
        with self._db.transaction():
            self._memory.catch_up()
            batch = self._judged(judge)
            done = self._append(None, batch)
        return self._kept(batch.rates, done)

    def close(self) -> None:
        """End what runs beside."""
        self._appender.close()

    def _judged(self, judge: Callable[[], Batch]) -> Batch:
        self._memory.is_judging = True
        try:
            return judge()
        finally:
            self._memory.is_judging = False

    def _kept(self, rates: Sequence[KeptRate], done: Appended) -> int:
        if rates:
            with self._db.lock:
                self._memory.kept(rates, done.revision)
        return done.last

    # Marks

    def head(self) -> Mark:
        """As `Log` says."""
        (found,) = self._db.read("SELECT seq, entry_hash FROM head")
        return Mark(*found)

    def anchor(self) -> Mark:
        """As `Log` says."""
        stated = self._db.value("SELECT value FROM meta WHERE name = %s", _ANCHOR) or f"0:{GENESIS}"
        try:
            return mark_of(stated)
        except ValueError:
            raise StoreError(
                f"the hall's store has {stated} as {_ANCHOR}, which is not a row of the decision log"
            ) from None

    # Rows

    def hash_of(self, seq: int) -> str | None:
        """As `Log` says."""
        found: str | None = self._db.value("SELECT entry_hash FROM decisions WHERE seq = %s", seq)
        return found

    def page(self, after: int, upto: int, most: int) -> list[Row]:
        """As `Log` says."""
        sql = f"SELECT {_ROW} FROM decisions WHERE seq > %s AND seq <= %s ORDER BY seq LIMIT %s"
        return [Row(*row) for row in self._db.read(sql, after, upto, most)]

    def rows(self) -> Iterator[Row]:
        """As `Log` says."""
        for row in self._db.stream(f"SELECT {_ROW} FROM decisions ORDER BY seq"):
            yield Row(*row)

    def newest(self, most: int, namespace: str | None, after: int) -> list[tuple[int, str]]:
        """As `Log` says."""
        where, values = ("namespace = %s", (namespace,)) if namespace is not None else (_IS_DECISION, ())
        sql = f"SELECT seq, receipt FROM decisions WHERE {where} AND seq > %s ORDER BY seq DESC LIMIT %s"
        return [(seq, receipt) for seq, receipt in self._db.read(sql, *values, after, most)]

    def removals(self) -> Iterator[int]:
        """As `Log` says."""
        for (seq,) in self._db.read("SELECT seq FROM decisions WHERE namespace IS NULL ORDER BY seq DESC"):
            yield seq

    def last_removal(self) -> str | None:
        """As `Log` says."""
        sql = "SELECT receipt FROM decisions WHERE namespace IS NULL ORDER BY seq DESC LIMIT 1"
        receipt: str | None = self._db.value(sql)
        return receipt

    # Counts and times

    def count(self) -> int:
        """As `Log` says."""
        found: int = self._db.value("SELECT count(*) FROM decisions WHERE decided_at >= ''")
        return found

    def counts(self, since: str, namespace: str | None) -> dict[str, int]:
        """As `Log` says."""
        where, values = ("AND namespace = %s", (namespace,)) if namespace is not None else ("", ())
        sql = f"SELECT outcome, count(*) FROM decisions WHERE decided_at >= %s {where} GROUP BY outcome"
        return dict(self._db.read(sql, since, *values))

    def rule_hits(self) -> dict[str, int]:
        """As `Log` says."""
        sql = f"SELECT rule, count(*) FROM decisions WHERE {_IS_DECISION} GROUP BY rule"
        return dict(self._db.read(sql))

    def tally(self, after: int, upto: int) -> list[Tallied]:
        """As `Log` says."""
        sql = (
            "SELECT namespace, rule, outcome, substr(decided_at, 1, 10), count(*) FROM decisions "
            f"WHERE seq > %s AND seq <= %s AND {_IS_DECISION} GROUP BY 1, 2, 3, 4"
        )
        return [Tallied(*row) for row in self._db.read(sql, after, upto)]

    def first_since(self, after: int, upto: int, at: str) -> int | None:
        """As `Log` says."""
        sql = "SELECT seq FROM decisions WHERE seq > %s AND seq <= %s AND decided_at >= %s ORDER BY seq LIMIT 1"
        found: int | None = self._db.value(sql, after, upto, at)
        return found

    def newest_time(self, before: str) -> str | None:
        """As `Log` says."""
        found: str | None = self._db.value("SELECT max(decided_at) FROM decisions WHERE decided_at < %s", before)
        return found

    def oldest_time(self, since: str) -> str | None:
        """As `Log` says."""
        found: str | None = self._db.value("SELECT min(decided_at) FROM decisions WHERE decided_at >= %s", since)
        return found

    # Removals, signed heads, and decisions made elsewhere

    def removable(self, upto: int) -> int:
        """As `Log` says: whole partitions are removed."""
        return self._partitions.removable(upto, self.anchor())

    def removed_with(self, seq: int) -> int:
        """As `Log` says: with those of its partition."""
        return self._partitions.end_of(seq, self.anchor())

    def take_out(self, upto: int, most: int) -> int | None:
        """As `Log` says: a partition is checked piece by piece, and then dropped."""
        anchor = self.anchor()
        done = self._partitions.check_oldest(upto, most, anchor)
        if done is None or not done.is_whole:
            return None if done is None else 0
        with self._db.transaction():
            if self.anchor() != anchor:  # another hall was faster
                return 0
            if done.upto.seq > anchor.seq:
                sql = "INSERT INTO meta VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
                self._db.change(sql, _ANCHOR, f"{done.upto.seq}:{done.upto.entry_hash}")
                self._db.change("DELETE FROM ingested WHERE seq <= %s", done.upto.seq)
            self._partitions.drop(done.name)
        return done.decisions

    def close_full(self) -> None:
        """Begin a new partition if the last one is full.

        Raises:
            StoreError: somebody has been reading the log for too long; nothing was changed.
        """
        self._partitions.close_full(self.anchor())

    def put_checkpoint(self, seq: int, note: str) -> None:
        """As `Log` says."""
        with self._db.transaction():
            sql = (
                "INSERT INTO checkpoints AS kept VALUES (%s, %s) "
                "ON CONFLICT (seq) DO UPDATE SET note = kept.note || excluded.note"
            )
            self._db.change(sql, seq, note)
            self._db.change(
                "DELETE FROM checkpoints WHERE seq <= "
                "(SELECT seq FROM checkpoints ORDER BY seq DESC LIMIT 1 OFFSET %s)",
                CHECKPOINTS_KEPT,
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
        sql = "INSERT INTO ingested VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
        return self._db.change(sql, namespace, decision_id, seq) > 0


def mark_of(stated: str) -> Mark:
    """Return a row that is stated as `seq:entry_hash`.

    Raises:
        ValueError: it is not.
    """
    seq, _, entry = stated.partition(":")
    if not (seq.isascii() and seq.isdigit() and len(seq) < 19):
        raise ValueError(f"{stated} is not a row of the decision log")
    return Mark(int(seq), entry)
