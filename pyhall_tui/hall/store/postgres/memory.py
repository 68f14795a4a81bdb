"""What decisions need from a PostgreSQL store, from memory."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from pyhall_tui.clock import Clock
from pyhall_tui.hall.errors import StoreLost
from pyhall_tui.hall.models import Key, Worker
from pyhall_tui.hall.store.halls import OFFLINE_SINCE
from pyhall_tui.hall.store.key_rows import KEY_COLUMNS, every_key, key_of
from pyhall_tui.hall.store.postgres.beside import Beside
from pyhall_tui.hall.store.postgres.connection import Connection
from pyhall_tui.hall.store.postgres.listener import Listener
from pyhall_tui.hall.store.postgres.rows import as_worker
from pyhall_tui.hall.store.postgres.schema import CHANGES_KEPT
from pyhall_tui.hall.store.protocol import Change, KeptRate
from pyhall_tui.hall.store.remembered import GET_WORKER, NEVER, Remembered

_LOOK = (
    "SELECT head.revision, changes.what, changes.key FROM head LEFT JOIN changes ON changes.revision > %s LIMIT "
    f"{CHANGES_KEPT + 1}"
)
_CHANGES = (
    "SELECT head.revision, changes.revision, what, key, how FROM head LEFT JOIN changes "
    "ON changes.revision > %s AND changes.revision <= %s ORDER BY changes.revision LIMIT "
    f"{CHANGES_KEPT + 1}"
)
_GET_KEY = (
    f"SELECT {KEY_COLUMNS} FROM ({every_key('number')}) AS every WHERE key_hash = %s AND revoked_at IS NULL "
    "ORDER BY scopes DESC LIMIT 1"
)
_RATE = (
    "SELECT rule, worker_id, mono, wall, allowed, greatest(0, extract(epoch FROM clock_timestamp())::float8 - wall) "
    "FROM rates WHERE rule = %s AND worker_id = %s"
)
"""`wall` is by the server's clock: those of two halls may differ."""
_WORKERS = f"{GET_WORKER} WHERE w.worker_id = ANY(%s::text[])"
_READ_AGAIN = 200  # remembered workers that are read again at once after a change; others are when they are asked for


class _Reads:
    def __init__(self, db: Connection, clock: Clock) -> None:
        self._db, self._clock = db, clock
        self.lock = db.lock

    def key(self, hashed: str) -> Key | None:
        rows = self._db.read(_GET_KEY, hashed)
        return key_of(rows[0]) if rows else None

    def worker(self, worker_id: str) -> Worker | None:
        rows = self._db.read(f"{GET_WORKER} WHERE w.worker_id = %s", worker_id)
        return as_worker(rows[0]) if rows else None

    def rate(self, rule: str, worker_id: str) -> KeptRate | None:
        rows = self._db.read(_RATE, rule, worker_id)
        if not rows:
            return None
        kept, age = KeptRate(*rows[0][:5]), rows[0][5]
        return kept._replace(written=self._clock.now().mono - age)

    def policy_revision(self) -> str | None:
        revision: str | None = self._db.value("SELECT value FROM meta WHERE name = 'policy_revision'")
        return revision

    def offline_since(self) -> str:
        since: str | None = self._db.value("SELECT value FROM meta WHERE name = %s", OFFLINE_SINCE)
        return since or ""


class PostgresMemory(Remembered):
    """`Remembered` over one connection, as of `revision` or later: `Log.decide` checks that nothing was missed."""

    def __init__(self, db: Connection, clock: Clock) -> None:
        super().__init__(_Reads(db, clock))
        self._db = db
        self.is_judging = False
        """Whether a decision is being made, whose revision is checked when it is logged."""
        self.listener: Listener | None = None
        self._generation = db.generation
        self._news = NEVER
        """What the listener had heard before the last look."""
        self._changes_here = 0
        self._beside = Beside(db, "hall's looks")
        self._looking: asyncio.Task[None] | None = None

    def look(self) -> None:
        """Apply what has changed since, in one round trip.

        Not within a transaction that changes more than the log, which may be rolled back.
        """
        if self.is_current:
            return
        with self._db.lock:
            if not self.undecided and not self.is_judging:
                self.catch_up()

    @property
    def is_current(self) -> bool:
        """Whether nothing can have changed since the last look: a healthy listener has heard of nothing."""
        listener = self.listener
        return (
            listener is not None
            and listener.news == self._news
            and listener.is_healthy
            and not self.undecided
            and not self.is_outdated
        )

    def changed_here(self) -> None:
        """Look next time, whatever the listener has heard: this hall has changed something."""
        self._news = NEVER
        self._changes_here += 1

    @property
    def is_known_to_be_old(self) -> bool:
        """Whether a decision by it would be refused when it is logged."""
        heard = self.listener is not None and self.listener.news != self._news
        return heard or self.is_outdated or self.revision == NEVER

    @property
    def is_outdated(self) -> bool:
        """Whether the connection is another one since the last look, so that its revision may be of another server."""
        return self._generation != self._db.generation

    def catch_up(self) -> None:
        """Drop what has changed, whoever changed it."""
        with self._db.lock:
            news = self.listener.news if self.listener is not None else NEVER
            found = self._db.read(_LOOK, self.revision)
            last: int = found[0][0]
            if self.is_outdated or not 0 <= last - self.revision < CHANGES_KEPT or len(found) > CHANGES_KEPT:
                self.forget_all()
            elif last != self.revision:
                self.forget((what, key) for _, what, key in found)
            self.revision, self._generation, self._news = last, self._db.generation, news

    def close(self) -> None:
        """End what runs beside."""
        self._beside.close()

    # The same for an event loop, which goes on meanwhile

    async def look_beside(self) -> None:
        """As `look`.

        Raises:
            StoreError: it can't be read.
        """
        if not self.is_current:
            if self._looking is not None:  # it may have begun before what the caller has to know was changed
                await asyncio.shield(self._looking)
            if not self.is_current:
                await self.look_now()

    async def know_beside(self, worker_id: str) -> None:
        """Read a worker, if it is not remembered.

        Raises:
            StoreError: it can't be read.
        """
        if worker_id not in self._workers:
            revision, generation = self.revision, self._db.generation
            rows = await self._read_beside(_WORKERS, [worker_id])
            self._remember(rows, revision, generation)

    async def look_now(self) -> None:
        """Take part in a look that begins now, or has begun in this turn of the loop.

        Raises:
            StoreError: it can't be read.
        """
        if self._looking is None:
            self._looking = asyncio.create_task(self._catch_up_beside())
            self._looking.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.shield(self._looking)

    async def _catch_up_beside(self) -> None:
        try:
            revision, generation, here = self.revision, self._db.generation, self._changes_here
            outdated = self.is_outdated
            news = self.listener.news if self.listener is not None else NEVER
            found = await self._read_beside(_LOOK, revision)
            last: int = found[0][0]
            too_much = outdated or not 0 <= last - revision < CHANGES_KEPT or len(found) > CHANGES_KEPT
            changed = [] if too_much or last == revision else [(what, key) for _, what, key in found]
            again = self.touched(changed)
            rows = await self._read_beside(_WORKERS, again) if 0 < len(again) <= _READ_AGAIN else []
            with self._db.lock:
                if self._db.generation != generation:
                    raise StoreLost("the hall's store was lost during a look")
                was = self.revision
                if too_much:
                    self.forget_all()
                self.forget(changed)
                self.revision, self._generation = last if was == revision else max(last, was), generation
                if self._changes_here == here:
                    self._news = news
                if was == revision:
                    self._remember(rows, self.revision, generation)
        finally:
            self._looking = None

    async def _read_beside(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        return await self._beside.run(self._db.place(), lambda own: own.read(sql, *values))

    def _remember(self, rows: Sequence[tuple[Any, ...]], revision: int, generation: int) -> None:
        """Remember workers that were read as of this revision or later, unless one was changed since."""
        with self._db.lock:
            if self.undecided or (self.revision, self._db.generation) != (revision, generation):
                return
            for row in rows:
                self.remember(as_worker(row))

    def kept(self, rates: Iterable[KeptRate], revision: int) -> None:
        """As `Remembered` says, unless this change, or a later one, was read meanwhile: then what is stored counts."""
        if self.revision < revision and not self.is_outdated:
            super().kept(rates, revision)
        else:
            self.forget(("rate", each.worker_id) for each in rates)

    def changes(self, after: int, most: int) -> list[Change] | None:
        """As `Store` says, in one round trip."""
        found = self._db.read(_CHANGES, after, after + most)
        last: int = found[0][0]
        changes = [Change(*row[1:]) for row in found if row[1] is not None]
        if len(found) > CHANGES_KEPT or len({change.revision for change in changes}) != min(most, last - after):
            return None
        return changes
