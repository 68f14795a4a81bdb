"""Last verdicts: what is shown of workers at the start, before the registry is asked."""

import sqlite3
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec

from pyhall_tui.fleet.entry import Ban, Entry, State
from pyhall_tui.registry.models import BanListEntry, Verdict

T = TypeVar("T")

_VERDICT = "SELECT worker_id, verdict, at, state_rank, banned_by, changed_at FROM verdicts"

_decode_verdict = msgspec.json.Decoder(Verdict).decode
_decode_entry = msgspec.json.Decoder(BanListEntry).decode


class LastVerdict(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Everything needed to show a worker at the start, before the registry is asked."""

    worker_id: str
    verdict: Verdict
    """When read back, its `raw` is empty: the fleet is shown without it, and `Journal.raw_answer` has it."""
    at: float
    """Wall time of the verdict, for its age."""
    rank: int
    """The rank of its state: the lowest is the most urgent (`fleet.entry`)."""
    banned_by: BanListEntry | None = None
    """The ban list's entry that matched, if one did."""
    changed_at: float = 0.0
    """Wall time of its last transition."""

    @property
    def is_banned(self) -> bool:
        """Whether a ban was in force, be it one that the verdict doesn't name: a doubtful answer lifts none."""
        return self.banned_by is not None or self.verdict.banned or self.rank == State.BANNED


def last_verdict(entry: Entry, verdict: Verdict) -> LastVerdict:
    """Return what is stored for a worker with that last verdict."""
    return LastVerdict(
        worker_id=entry.worker_id,
        verdict=verdict,
        at=entry.asked_wall,
        rank=entry.last_state(),
        banned_by=entry.listed if entry.ban else None,
        changed_at=entry.changed_wall,
    )


def ban_of(row: LastVerdict, seen: float) -> Ban | None:
    """Return the ban in force according to the stored row, as seen at that moment of the monotonic clock."""
    if row.banned_by is not None:
        return Ban("ban list", seen, row.banned_by.reason)
    return Ban("verify", seen, row.verdict.ban_reason) if row.is_banned else None


def verdicts(connection: sqlite3.Connection, profile: str, limit: int = -1) -> list[LastVerdict]:
    """Return last verdicts, the most urgent states first; all of them if `limit` is -1."""
    rows = connection.execute(f"{_VERDICT} WHERE profile = ? ORDER BY state_rank, worker_id LIMIT ?", (profile, limit))
    return readable(_verdict, rows)


def newest_verdict_at(connection: sqlite3.Connection, profile: str) -> float | None:
    """Return the wall time of a profile's last verdict."""
    (newest,) = connection.execute("SELECT max(at) FROM verdicts WHERE profile = ?", (profile,)).fetchone()
    return None if newest is None else float(newest)


def verdicts_after(connection: sqlite3.Connection, profile: str, after: str, limit: int) -> list[LastVerdict]:
    """Return last verdicts by worker id, those after `after`."""
    rows = connection.execute(
        f"{_VERDICT} WHERE profile = ? AND worker_id > ? ORDER BY worker_id LIMIT ?", (profile, after, limit)
    )
    return readable(_verdict, rows)


def rows_written(
    connection: sqlite3.Connection, profile: str, after: int | None, since: float | None
) -> list[tuple[Any, ...]]:
    """Return rows of last verdicts: those since a wall time if it is given, else those after a write, else none.

    `read_rows` takes them apart, which takes longer than to find them, and nobody else can read meanwhile.
    """
    if since is None and after is None:
        return []
    newer, than = ("written", after) if since is None else ("at", since)
    return connection.execute(f"{_VERDICT} WHERE profile = ? AND {newer} > ?", (profile, than)).fetchall()


def read_rows(rows: Iterable[tuple[Any, ...]]) -> list[LastVerdict]:
    """Return those of the rows that can be read."""
    return readable(_verdict, rows)


def touched_by(connection: sqlite3.Connection, correlation_id: str) -> list[LastVerdict]:
    """Return last verdicts whose request had that correlation id."""
    rows = connection.execute(f"{_VERDICT} WHERE correlation_id = ? ORDER BY worker_id", (correlation_id,))
    return readable(_verdict, rows)


def raw_answer(connection: sqlite3.Connection, profile: str, worker_id: str) -> bytes | None:
    """Return the JSON object that a worker's last verdict was read from."""
    row = connection.execute(
        "SELECT raw FROM verdicts WHERE profile = ? AND worker_id = ?", (profile, worker_id)
    ).fetchone()
    return row[0] if row else None


def readable(make: Callable[[tuple[Any, ...]], T], rows: Iterable[tuple[Any, ...]]) -> list[T]:
    """Return the rows that can be read.

    A row that a newer version wrote, or whose text is damaged, is left out: an unknown worker is never a clean one, and
    the rest is still useful.
    """
    made: list[T] = []
    for row in rows:
        try:
            made.append(make(row))
        except (ValueError, TypeError, RecursionError, msgspec.DecodeError):
            continue
    return made


def _verdict(row: tuple[Any, ...]) -> LastVerdict:
    worker_id, verdict, at, rank, banned_by, changed_at = row
    return LastVerdict(
        worker_id=worker_id,
        verdict=_decode_verdict(verdict),
        at=at,
        rank=rank,
        banned_by=None if banned_by is None else _decode_entry(banned_by),
        changed_at=changed_at,
    )
