"""Appends to the log in a thread and on a connection of its own, so that no event loop waits for the server's disk."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from pyhall_tui.hall.store.postgres.beside import Beside
from pyhall_tui.hall.store.postgres.connection import Connection, Place
from pyhall_tui.hall.store.postgres.prepared import Prepared, Value, array
from pyhall_tui.hall.store.postgres.receipts import columns_of
from pyhall_tui.hall.store.protocol import Batch

_TYPES = ("bigint", *["text[]"] * 7, "float8[]", "float8[]", "bytea[]")
_PARTS = "SELECT stale, last, revised FROM append_decisions({})"
_APPEND = _PARTS.format(", ".join(f"%s::{each}" for each in _TYPES))
_APPEND_FAST = _PARTS.format(", ".join(f"${number}::{each}" for number, each in enumerate(_TYPES, start=1)))


class Appended(NamedTuple):
    """What `append_decisions` answered; `last` and `revision` are those of the log's head now."""

    is_stale: bool
    last: int
    revision: int


class Append:
    """Calls `append_decisions`, the only writer of new rows, on one connection."""

    def __init__(self, db: Connection) -> None:
        self._db, self._fast = db, Prepared(_APPEND_FAST)

    def __call__(self, judged_by: int | None, batch: Batch) -> Appended:
        """Append in one round trip, unless another revision than `judged_by` is the newest by now.

        Raises:
            StoreError: it could not be written. If the server was lost, nobody knows whether it was.
        """
        if judged_by is None or self._db.is_pooled:
            (found,) = self._db.read(
                _APPEND, judged_by, list(batch.receipts), *_columns(batch.receipts), *_rates(batch)
            )
            return Appended(bool(found[0]), found[1], found[2])
        stale, last, revised = self._db.run(self._fast, [b"%d" % judged_by, *_as_text(batch)])
        return Appended(stale == b"t", int(last or 0), int(revised or 0))


def _columns(receipts: Sequence[str]) -> list[list[Any]]:
    return [list(column) for column in zip(*map(columns_of, receipts), strict=True)] or [[]] * 4


def _rates(batch: Batch) -> list[list[Any]]:
    return [list(column) for column in zip(*(each[:5] for each in batch.rates), strict=True)] or [[]] * 5


_NO_RATES: list[Value] = [b"{}"] * 5


def _as_text(batch: Batch) -> list[Value]:
    """Return a batch as PostgreSQL writes arrays."""
    values: list[Value] = [array(column) for column in (batch.receipts, *_columns(batch.receipts))]
    if not batch.rates:
        return values + _NO_RATES
    rules, workers, monos, walls, alloweds = _rates(batch)
    numbers = [array([repr(number) for number in column]) for column in (monos, walls)]
    return [*values, array(rules), array(workers), *numbers, array([f"\\x{each.hex()}" for each in alloweds])]


class Appender:
    """Appends for an event loop, one batch after the other."""

    def __init__(self, db: Connection) -> None:
        self._beside = Beside(db, "hall's log")
        self._append: Append | None = None
        self._on: Connection | None = None

    async def append(self, place: Place, judged_by: int, batch: Batch) -> Appended:
        """As `Append`. `place` is where the store's connection led to when it was judged.

        Raises:
            StoreError: it could not be written. If the server was lost, nobody knows whether it was.
        """
        return await self._beside.run(place, lambda own: self._appending(own)(judged_by, batch))

    def _appending(self, own: Connection) -> Append:
        if self._append is None or self._on is not own:
            self._append, self._on = Append(own), own
        return self._append

    def close(self) -> None:
        """End the thread, after what is under way, and its connection."""
        self._beside.close()
