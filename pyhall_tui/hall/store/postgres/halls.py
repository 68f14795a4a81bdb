"""The halls that live on a PostgreSQL store, and which of them polls the upstream, all by the server's clock."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from pyhall_tui.hall.errors import LeaseLost
from pyhall_tui.hall.store.halls import GONE, LEASE, SHOWN, Feed, Report, SeenHall
from pyhall_tui.hall.store.postgres.connection import Connection

_BEAT = f"""
WITH gone AS (
  DELETE FROM halls WHERE instance IN (
    SELECT instance FROM halls WHERE seen < clock_timestamp() - interval '{SHOWN} s' FOR UPDATE SKIP LOCKED)),
beaten AS (
  INSERT INTO halls VALUES (
    %s, %s, %s, clock_timestamp() - %s * interval '1 s', clock_timestamp(), %s, %s, %s, %s, %s)
  ON CONFLICT (instance) DO UPDATE SET seen = clock_timestamp(), decisions = excluded.decisions,
    policy_file = excluded.policy_file, policy_error = excluded.policy_error, upstream = excluded.upstream,
    stale = excluded.stale)
SELECT count(*) + 1 FROM halls
WHERE instance <> %s AND seen BETWEEN clock_timestamp() - interval '{GONE} s' AND clock_timestamp()
"""
_SEEN = f"""
SELECT instance, halls.name, version, to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
  greatest(0, extract(epoch FROM clock_timestamp() - seen))::float8, decisions, policy_file, policy_error, upstream,
  stale, coalesce(leases.holder = instance AND leases.expires > clock_timestamp(), false)
FROM halls LEFT JOIN leases ON leases.name = 'upstream'
WHERE seen >= clock_timestamp() - interval '{SHOWN} s' ORDER BY since, instance
"""
_TAKE = f"""
WITH free AS (
  SELECT name FROM leases WHERE name = 'upstream' AND (holder = %s OR expires <= clock_timestamp())
  FOR UPDATE SKIP LOCKED)
UPDATE leases SET holder = %s, fence = fence + (holder IS DISTINCT FROM %s)::int,
  expires = clock_timestamp() + interval '{LEASE} s'
FROM free WHERE leases.name = free.name RETURNING fence
"""
_HOLDS = """
SELECT 1 FROM leases WHERE name = 'upstream' AND holder = %s AND fence = %s AND expires > clock_timestamp() FOR UPDATE
"""
_FEED = """
SELECT CASE WHEN expires > clock_timestamp() THEN holder END,
  CASE WHEN heard IS NOT NULL THEN greatest(0, extract(epoch FROM clock_timestamp() - heard))::float8 END
FROM leases WHERE name = 'upstream'
"""
_HELD_UP = "SET LOCAL idle_in_transaction_session_timeout = '3s'"
"""A hall that is stopped in the middle of a change doesn't keep the lease, nor the others' decisions, for longer."""


class PostgresHalls:
    """`Halls` over one connection. `write` is the store's."""

    def __init__(self, db: Connection, write: Callable[[], AbstractContextManager[None]]) -> None:
        self._db, self._write = db, write

    def beat(self, report: Report) -> int:
        """As `Halls` says."""
        living: int = self._db.value(_BEAT, *report, report.instance)
        return living

    def leave(self, instance: str) -> None:
        """As `Halls` says."""
        self._db.change("DELETE FROM halls WHERE instance = %s", instance)
        self.give_up(instance)

    def seen(self) -> list[SeenHall]:
        """As `Halls` says."""
        return [SeenHall(*row) for row in self._db.read(_SEEN)]

    def lease(self, instance: str) -> int | None:
        """As `Halls` says. Without waiting: while its row is locked, somebody holds it."""
        fence: int | None = self._db.value(_TAKE, instance, instance, instance)
        return fence

    def give_up(self, instance: str) -> None:
        """As `Halls` says."""
        self._db.change("UPDATE leases SET expires = '-infinity' WHERE holder = %s", instance)

    @contextmanager
    def fenced(self, instance: str, fence: int) -> Iterator[None]:
        """As `Halls` says: the lease's row is locked until the end, so nobody takes it meanwhile."""
        with self._write():
            self._db.change(_HELD_UP)
            if not self._db.read(_HOLDS, instance, fence):
                raise LeaseLost("another hall polls the upstream by now")
            yield

    def heard(self, age: float) -> None:
        """As `Halls` says."""
        sql = "UPDATE leases SET heard = clock_timestamp() - %s * interval '1 s' WHERE name = 'upstream'"
        self._db.change(sql, min(max(age, 0.0), 1e9))

    def feed(self) -> Feed:
        """As `Halls` says."""
        found = self._db.read(_FEED)
        return Feed(*found[0]) if found else Feed(None, None)
