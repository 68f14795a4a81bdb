"""A ban list of a million entries, read by our client and by `json.loads`: memory, and processor time."""

import hashlib
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.bench.report import Row

MANY = 1_000_000
_MOST_MIB = 128.0
"""What a million entries may add to the program at their peak."""
_PAGE = 10_000


def run(quick: bool) -> Iterator[Row]:
    """Measure each in a process of its own."""
    many = 100_000 if quick else MANY
    with _serving(many) as url:
        found = {name: _read(name, url) for name in ("ours", "plain")}
    ours, plain = found["ours"], found["plain"]
    assert ours["entries"] == plain["entries"] == many
    what = f"ban list of {many:,}"
    peak, most = ours["peak_mib"], f"≤ {_MOST_MIB:g} MiB"
    yield Row(f"{what}, memory at its peak", peak, "MiB", plain["peak_mib"], "json.loads", most, peak <= _MOST_MIB)
    yield Row(f"{what}, memory kept", ours["kept_mib"], "MiB", plain["kept_mib"], "json.loads")
    yield Row(f"{what}, CPU", ours["cpu_s"], "s", plain["cpu_s"], "json.loads")


def _read(name: str, url: str) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench._ban_list_client", name, url]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


@contextmanager
def _serving(many: int) -> Iterator[str]:
    """Serve the list to whoever connects, whatever is asked."""
    pages = [_page(first, min(first + _PAGE, many)) for first in range(0, many, _PAGE)]
    length = sum(map(len, pages)) + len(pages) + 1
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                taken, _ = listener.accept()
            except OSError:
                return
            with taken:
                taken.recv(65_536)
                taken.sendall(head % length)
                for number, page in enumerate(pages):
                    taken.sendall((b"," if number else b"[") + page)
                taken.sendall(b"]")

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


def _page(first: int, last: int) -> bytes:
    entries = (
        {
            "sha256": hashlib.sha256(b"%d" % number).hexdigest(),
            "reason": "malware: exfiltrates keys",
            "reported_at": f"2026-11-{number % 28 + 1:02}T04:{number % 60:02}:00.{number % 1000:03}Z",
            "source": "registry",
            "review_status": "confirmed",
        }
        for number in range(first, last)
    )
    return ",".join(json.dumps(entry, separators=(",", ":")) for entry in entries).encode()
