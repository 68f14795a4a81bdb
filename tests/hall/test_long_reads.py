"""Long lists are answered in pages: complete, in order, and with nobody waiting for them."""

import asyncio
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from pyhall_tui.hall.long_reads import PAGE, LongReads
from pyhall_tui.hall.models import Ban, Worker
from pyhall_tui.hall.store import SqliteStore, Store
from tests.hall.raw_client import connect
from tests.live_hall import LiveHall, live_hall
from tests.waiting import until

MANY = 3 * PAGE + 7


def fill(store: Store, count: int = MANY) -> None:
    """This many workers, every second one in another namespace, and this many bans; three of each share a time."""
    with store.write():
        for number in range(count):
            at = f"2026-01-01T00:{number // 180:02}:{number // 3 % 60:02}.000Z"
            namespace = ("org.yourco", "x.alice")[number % 2]
            store.put_worker(Worker(worker_id=f"w-{number:06}", namespace=namespace, enrolled_at=at))
            store.put_ban(Ban(sha256=f"{number:064x}", reason='"r"\u2028', reported_at=at))


@pytest.fixture(params=["file", "memory"])
def full(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LiveHall]:
    with live_hall(tmp_path / "hall.db" if request.param == "file" else ":memory:", public_reads=True) as hall:
        fill(hall.store)
        yield hall


@pytest.fixture
def http(full: LiveHall) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=full.url, trust_env=False, verify=False, timeout=60) as client:
        yield client


def test_a_ban_list_is_whole_and_newest_first(full: LiveHall, http: httpx.Client) -> None:
    """F93: as the store has it."""
    answer = http.get("/api/v1/ban-list")
    expected = [{name: getattr(ban, name) for name in Ban.__struct_fields__} for ban in full.store.bans()]
    assert answer.json() == expected and len(expected) == MANY
    assert http.get("/api/v1/ban-list", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    hashes = http.get("/wcp/registry/ban-list").json()
    assert hashes["hashes"] == [ban["sha256"] for ban in expected] and hashes["count"] == MANY


def test_a_limit_is_kept(full: LiveHall, http: httpx.Client) -> None:
    """F93: at the edges of pages too."""
    for limit in (1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, MANY - 1, MANY, MANY + 1, 1_000_000):
        found = [ban["sha256"] for ban in http.get("/api/v1/ban-list", params={"limit": limit}).json()]
        assert found == [ban.sha256 for ban in full.store.bans(limit)], limit


def test_the_workers_are_whole_and_in_order(full: LiveHall, http: httpx.Client) -> None:
    """F93: of all, and of one key's namespace."""
    answer = http.get("/workers").json()
    assert [worker["worker_id"] for worker in answer["workers"]] == [
        worker.worker_id for worker in full.store.workers()
    ]
    assert answer["count"] == MANY + 1
    theirs = http.get("/workers", headers={"Authorization": f"Bearer {full.store.add_key('x.alice')}"}).json()
    assert {worker["namespace"] for worker in theirs["workers"]} == {"x.alice"}
    assert theirs["count"] == len(theirs["workers"]) == MANY // 2


@pytest.mark.parametrize("count", [0, 1, PAGE - 1, PAGE, 2 * PAGE])
def test_lists_of_whole_pages_end_rightly(count: int) -> None:
    """F93: none, one, and a last page that is full."""
    with live_hall(public_reads=True) as hall:
        fill(hall.store, count)
        with httpx.Client(base_url=hall.url, trust_env=False, verify=False) as http:
            assert len(http.get("/api/v1/ban-list").json()) == count
            assert http.get("/wcp/registry/ban-list").json()["count"] == count
            assert http.get("/workers").json()["count"] == count + 1
            assert http.head("/workers").content == b""


def test_the_counts_are_the_stores(full: LiveHall, http: httpx.Client) -> None:
    """F93: they read every row too."""
    status = http.get("/status").json()
    assert (status["workers_enrolled"], status["ban_list"]) == (MANY + 1, MANY)
    assert http.get("/alerts").json()["count"] == 500


async def test_a_ban_that_is_renewed_meanwhile_is_not_missed(tmp_path: Path) -> None:
    """F93: a list is read in pages, and whatever is banned throughout is in it."""
    store = SqliteStore(tmp_path / "hall.db")
    fill(store)
    found: set[bytes] = set()
    async for page in LongReads(store).bans():
        found.update(page)
        with store.write():
            for number in range(MANY):
                store.ban_hash(f"{number:064x}", "again")
            store.ban_hash("f" * 64, "new")
    hashes = {json.loads(entry)["sha256"] for entry in found}
    assert hashes - {"f" * 64} == {f"{number:064x}" for number in range(MANY)}
    store.close()


@pytest.mark.thorough
async def test_a_client_that_does_not_read_holds_nothing_up(tmp_path: Path) -> None:
    """F88, F93: others verify and write, and the write-ahead log is moved into the file."""
    with live_hall(tmp_path / "hall.db", public_reads=True) as hall:
        fill(hall.store, 20 * PAGE)
        with connect(hall.url) as lazy, httpx.Client(base_url=hall.url, trust_env=False, verify=False) as http:
            lazy.sendall(b"GET /workers HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert lazy.recv(15) == b"HTTP/1.1 200 OK"
            verdict = await asyncio.to_thread(http.get, "/api/v1/verify/w-000001")
            assert verdict.status_code == 200
            status = await asyncio.to_thread(http.get, "/status")
            assert status.json()["workers_enrolled"] == 20 * PAGE + 1
            hall.store.set_setting("x", "x" * 100_000)

            def moved() -> bool:
                with sqlite3.connect(tmp_path / "hall.db") as db:
                    busy, _, _ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                return not busy

            await until(moved)
            assert (tmp_path / "hall.db-wal").stat().st_size == 0


def test_opening_a_store_twice_in_one_process_keeps_its_locks(tmp_path: Path) -> None:
    """F93: otherwise another process could remove the write-ahead log, with everything written later."""
    store = SqliteStore(tmp_path / "hall.db")
    store.set_setting("a", "1")
    SqliteStore(tmp_path / "hall.db").close()
    assert store.beside().setting("a") == "1"
    other = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute('SELECT * FROM meta'); db.close()"
    subprocess.run([sys.executable, "-c", other, tmp_path / "hall.db"], check=True)
    assert (tmp_path / "hall.db-wal").exists()
    store.set_setting("a", "2")
    store.close()
    assert SqliteStore(tmp_path / "hall.db").setting("a") == "2"
