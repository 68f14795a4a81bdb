"""Where the contract is tried, and what is put into a store first. A new store is one more entry in `STORES`."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from pyhall_tui.hall import audit
from pyhall_tui.hall.models import Worker
from pyhall_tui.hall.store import SqliteStore, Store
from pyhall_tui.hall.store.postgres import PostgresStore
from pyhall_tui.hall.store.protocol import Batch

HASH, OTHER_HASH = "ab" * 32, "cd" * 32
Open = Callable[[], Store]


@dataclass
class Place:
    """A place for a store, and the halls that have it open."""

    open: Open
    is_shared: bool
    halls: list[Store] = field(default_factory=list)

    def hall(self) -> Store:
        """Open the store as one more hall does."""
        self.halls.append(self.open())
        return self.halls[-1]


def in_memory(_: pytest.FixtureRequest) -> Place:
    return Place(SqliteStore, is_shared=False)


def in_a_file(request: pytest.FixtureRequest) -> Place:
    file = request.getfixturevalue("tmp_path") / "hall.db"
    return Place(lambda: SqliteStore(file), is_shared=True)


def in_postgres(request: pytest.FixtureRequest) -> Place:
    address = request.getfixturevalue("postgres").database()
    return Place(lambda: PostgresStore(address, make=True, partition_rows=4), is_shared=True)


SHARED = [
    pytest.param(in_a_file, id="sqlite in a file"),
    pytest.param(in_postgres, id="postgresql", marks=pytest.mark.thorough),
]
STORES = [pytest.param(in_memory, id="sqlite in memory"), *SHARED]


def enrolled(store: Store) -> Store:
    for worker_id in ("w", "v"):
        sha256 = {"w": HASH, "v": OTHER_HASH}[worker_id]
        store.put_worker(Worker(worker_id=worker_id, namespace="n", sha256=sha256, attested_at="2026", enrolled_at="1"))
    return store


def worker(store: Store, worker_id: str = "w") -> Worker:
    found = store.worker(worker_id)
    assert found is not None
    return found


def receipt(number: int, **more: object) -> str:
    told = {"namespace": "n", "rule": "r", "outcome": "allow", "decided_at": f"2026-01-0{number % 9 + 1}", "n": number}
    return audit.encode(told | more)


def fill(store: Store, count: int) -> None:
    store.log.decide(lambda: Batch([receipt(number) for number in range(1, count + 1)]))
