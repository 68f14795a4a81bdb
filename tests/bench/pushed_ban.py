"""From a ban in a hall to the bytes of the row that shows it, in the real program, where the hall pushes its changes.

One row is about a hall on a file, with the ban from another program; one about a hall on PostgreSQL, with the ban from
another hall. The baseline is the same by polling: half of the ban list's interval, and all of it.
"""

import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyhall_tui.hall.models import Worker
from pyhall_tui.hall.store import SqliteStore, Store
from pyhall_tui.hall.store.postgres import PostgresStore
from tests.bench._registry import worker_id
from tests.bench._setting import Program, home
from tests.bench.report import Row
from tests.postgres_cluster import cluster

BAN_LIST_INTERVAL = 5.0
_ALLOWED = 0.5
_NAMESPACE = "org.bench"
_WORKERS = 200


def run(quick: bool) -> Iterator[Row | str]:
    """Ban workers one after the other at random moments."""
    bans = 5 if quick else 40
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "hall.db")
        yield from _measured("another program's", file, SqliteStore(file), bans)
    try:
        with cluster() as server:
            address = server.database()
            yield from _measured("another hall's, PostgreSQL", address, PostgresStore(address, make=True), bans)
    except pytest.skip.Exception as missing:
        yield str(missing)


def _measured(name: str, place: str, store: Store, bans: int) -> Iterator[Row]:
    with store.write():
        for number in range(_WORKERS):
            store.put_worker(_worker(number, store.now()))
    key = store.add_key(_NAMESPACE)
    with (
        _hall(place) as url,
        home(url, _WORKERS, journaled=False, ban_list_interval=BAN_LIST_INTERVAL) as user,
        Program(["-m", "pyhall_tui"], user.environment() | {"PYHALL_API_KEY": key}) as program,
    ):
        program.wait_for("● live.*push".encode())
        delays = [_ban(store, program, number) for number in range(bans)]
    store.close()
    worst = max(delays)
    polled = "by polling"
    yield Row(f"pushed ban to screen, {name}: median", statistics.median(delays), "s", BAN_LIST_INTERVAL / 2, polled)
    yield Row(
        f"pushed ban to screen, {name}: worst",
        *(worst, "s", BAN_LIST_INTERVAL, polled, f"≤ {_ALLOWED:g} s", worst <= _ALLOWED),
    )


def _worker(number: int, at: str) -> Worker:
    return Worker(
        worker_id=worker_id(number),
        namespace=_NAMESPACE,
        display_name=f"Bench {number:05}",
        capabilities=("llm.text.generate",),
        sha256=f"{number + 1:064x}",
        attested_at=at,
    )


def _ban(store: Store, program: Program, number: int) -> float:
    time.sleep(random.Random(number).uniform(0.5, 2.0))
    since = program.end
    store.ban_hash(f"{number + 1:064x}", "bench")
    banned_at = time.monotonic()
    row = rb"BANNED(?:\x1b\[[0-9;]*m|[ \xe2\x80\xa2])*" + worker_id(number).encode()
    return program.wait_for(row, since) - banned_at


@contextmanager
def _hall(place: str) -> Iterator[str]:
    """Run a hall on a store that is there already, in its own process; yield its address."""
    command = [sys.executable, "-m", "pyhall_tui", "hall", "serve", "--db", place, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
