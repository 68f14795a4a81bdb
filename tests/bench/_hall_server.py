"""A server of the hall's benchmark, in its own process: `… hall|bare|long N|postgres URL|deaf URL`.

`hall` serves the demo's fleet from a file in WAL mode, `long` N workers and N bans besides, `postgres` the demo's fleet
from that database, and so does `deaf`, which hears no notifications; `bare` is Starlette that answers a constant, on
the same server.
The first line is its address, the second the key.
"""

import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pyhall_tui.hall.listening import address, listen
from pyhall_tui.hall.seed import seed_demo
from pyhall_tui.hall.server import serve_in_thread
from pyhall_tui.hall.store import SqliteStore, Store
from pyhall_tui.hall.store.postgres import PostgresStore
from tests.hall.tampering import tampering

ANSWER = b'{"outcome":"allow","worker_id":"wkr_abc123","capability":"llm.text.generate","correlation_id":"c"}'


def main() -> None:
    """Serve until killed."""
    if sys.argv[1] == "bare":
        _bare()
    with tempfile.TemporaryDirectory() as folder:
        store = _opened(Path(folder) / "hall.db")
        if sys.argv[1] == "long":
            _fill(store, int(sys.argv[2]))
        with serve_in_thread(store, rate=0) as running:
            print(running.url, store.add_key("org.yourco"), sep="\n", flush=True)
            threading.Event().wait()


def _opened(file: Path) -> Store:
    """Return a store with the demo's fleet; one that other halls have filled already stays as it is."""
    on_server = sys.argv[1] in ("postgres", "deaf")
    store: Store = PostgresStore(sys.argv[2], make=True) if on_server else SqliteStore(file)
    with store.write():
        if not store.all_keys() and not store.workers():
            seed_demo(store, time.time())
    if sys.argv[1] != "deaf":
        store.listen()
    return store


def _fill(store: Store, count: int) -> None:
    at = "2026-01-01T00:00:00.000Z"
    with tampering(store) as db:
        bans = ((f"{number:064x}", "malware", at, "local-hall", "confirmed") for number in range(count))
        db.executemany("INSERT INTO bans VALUES (?, ?, ?, ?, ?, 0)", bans)
        row = "(?, 'org.yourco', '', '[\"a\"]', 'active', ?, ?, NULL, NULL, 0, NULL, NULL, NULL, ?)"
        workers = ((f"w-{number}", f"{number + count:064x}", at, at) for number in range(count))
        db.executemany(f"INSERT INTO workers VALUES {row}", workers)


def _bare() -> None:
    async def constant(request: Request) -> Response:
        await request.body()
        return Response(ANSWER, media_type="application/json")

    routes = [
        Route("/api/v1/dispatch", constant, methods=["POST"]),
        Route("/api/v1/verify/{worker_id}", constant),
    ]
    sock = listen()
    # asyncio sets TCP_NODELAY on accepted connections only if the listener names its protocol
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    print(address(sock), "none", sep="\n", flush=True)
    config = uvicorn.Config(
        Starlette(routes=routes),
        http="h11",
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_config=None,
        access_log=False,
    )
    uvicorn.Server(config).run(sockets=[sock])
    sys.exit()


if __name__ == "__main__":
    main()
