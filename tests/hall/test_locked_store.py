"""A hall whose SQLite file another process has locked: what can be answered is answered meanwhile."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import pytest

from pyhall_tui.hall import audit
from pyhall_tui.hall.models import Worker
from pyhall_tui.hall.policy import save_rules
from pyhall_tui.hall.store import SqliteStore
from tests.hall.process import served
from tests.live_hall import HASH, POLICY

pytestmark = pytest.mark.thorough
_ASK = {"namespace": "n", "capability": "llm.x", "worker_id": "w"}
_LOCKS = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
input()
db.execute("COMMIT")
print("free", flush=True)
"""


class Locked:
    """A process that holds the file until `let_go`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def let_go(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "free\n"


@contextmanager
def locked(path: Path) -> Iterator[Locked]:
    command = [sys.executable, "-c", _LOCKS, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        try:
            yield Locked(process)
        finally:
            process.kill()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hall.db"


@asynccontextmanager
async def hall(path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Serve a hall in another process, and return its client."""
    store = SqliteStore(path)
    store.put_worker(Worker(worker_id="w", namespace="n", sha256=HASH, attested_at="2026", capabilities=("llm.x",)))
    save_rules(store, POLICY)
    key = store.add_key("n")
    store.close()
    with served(path, "--rate", "0", key=key) as running:
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(base_url=running.url, headers=headers, trust_env=False, timeout=60) as http:
            yield http


def changes(http: httpx.AsyncClient) -> list[asyncio.Task[httpx.Response]]:
    """Ask for everything that has to be written."""
    asked = (
        http.post("/api/v1/dispatch", json=_ASK),
        http.put("/api/v1/workers/w/attest", json={"sha256": HASH}),
        http.post("/api/v1/ban-list/report", json={"sha256": HASH, "reason": "odd"}),
        http.post("/decisions/ingest", json={"capability_id": "c", "decision_id": "d"}),
    )
    return [asyncio.create_task(each) for each in asked]


async def look(http: httpx.AsyncClient) -> None:
    """Ask for what is only read."""
    for path in ("/api/v1/verify/w", "/api/v1/ban-list", "/health", "/status"):
        assert (await http.get(path)).status_code == 200


async def test_what_is_read_is_answered_meanwhile_and_what_is_written_once_the_file_is_free(path: Path) -> None:
    async with hall(path) as http:
        with locked(path) as other:
            waiting = changes(http)
            for _ in range(20):
                await look(http)
            assert not any(each.done() for each in waiting)
            other.let_go()
            answers = await asyncio.gather(*waiting)
        assert [each.status_code for each in answers] == [200, 200, 202, 201]
    store = SqliteStore(path)
    assert audit.verify(store) == audit.Checked(2)
    store.close()


async def test_who_holds_it_for_too_long_has_changes_refused_and_nothing_else(path: Path) -> None:
    """The hall reports several times that it lives meanwhile, and notes a key's use: nobody waits for either."""
    async with hall(path) as http:
        with locked(path) as other:
            waiting, looks = changes(http), 0
            while not all(each.done() for each in waiting):
                await look(http)
                looks += 1
            assert [(await each).status_code for each in waiting] == [503] * 4
            assert looks > 10, "a hall that waits itself answers one or two"
            other.let_go()
        assert (await http.post("/api/v1/dispatch", json=_ASK)).json()["outcome"] == "allow"
    store = SqliteStore(path)
    assert audit.verify(store) == audit.Checked(1)
    store.close()
