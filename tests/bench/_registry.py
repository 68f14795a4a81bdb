"""A registry that costs next to nothing, in a process of its own: `python -m tests.bench._registry WORKERS`.

It is plain asyncio, not the embedded hall: on the same cores the hall's own work for each request (an ASGI app and
SQLite) would be measured along with the program's. It answers verify and ban list in the contract's shape, after a
delay and within a rate, and is told how by `POST /_set`. It prints its port.
"""

import asyncio
import json
import sys
import time
from functools import partial
from typing import Any
from urllib.parse import unquote


def worker_id(number: int) -> str:
    """Return the id of a worker; all are of the same length."""
    return f"org.bench.worker-{number:05}"


class State:
    """What the registry knows, and how it behaves."""

    def __init__(self, workers: int) -> None:
        self.hashes = {worker_id(number): f"{number + 1:064x}" for number in range(workers)}
        self.latency = 0.0
        self.rate = 0.0
        """Requests a second and, as a burst, twice as many, before it answers 429; 0 for no limit."""
        self.change_every = 0
        """Every n-th verify finds its worker with another hash; 0 for never."""
        self.banned: list[str] = []
        self.verifies = self.refused = 0
        self._tokens, self._since = 0.0, time.monotonic()

    def is_refused(self) -> bool:
        """Take a token if there is one."""
        if not self.rate:
            return False
        now = time.monotonic()
        self._tokens = min(2 * self.rate, self._tokens + (now - self._since) * self.rate)
        self._since = now
        if self._tokens < 1:
            return True
        self._tokens -= 1
        return False

    def verify(self, worker: str) -> bytes:
        self.verifies += 1
        if self.change_every and self.verifies % self.change_every == 0:
            self.hashes[worker] = f"{self.verifies:064x}"
        banned = "banned" if worker in self.banned else "clean"
        return (
            f'{{"worker_id":"{worker}","namespace":"org.bench","display_name":"Bench {worker[-5:]}","status":"active",'
            f'"capabilities":["llm.text.generate"],"attested":true,"attest_sha256":"{self.hashes[worker]}",'
            f'"ban_status":"{banned}"}}'
        ).encode()

    def ban_list(self) -> bytes:
        entries = [{"sha256": self.hashes[worker], "reason": "bench"} for worker in self.banned]
        return json.dumps(entries).encode()

    def set(self, settings: dict[str, Any]) -> bytes:
        """Change what is named; answer with the counts, and when (`time.monotonic`, which all processes share)."""
        for name, value in settings.items():
            setattr(self, name, value)
        counts = {"verifies": self.verifies, "refused": self.refused, "cpu": time.process_time()}
        return json.dumps({**counts, "at": time.monotonic()}).encode()


class Connection(asyncio.Protocol):
    """As much HTTP/1.1 as a client with one request at a time needs."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        method, path, _ = head.split(b" ", 2)
        if method == b"POST":
            length = int(head.lower().partition(b"content-length:")[2].split(None, 1)[0])
            if len(rest) < length:
                return
            self._send(200, self._state.set(json.loads(rest[:length])))
        else:
            status, body = self._answer(unquote(path.decode()))
            answer = partial(self._send, status, body)
            if self._state.latency:
                asyncio.get_running_loop().call_later(self._state.latency, answer)
            else:
                answer()
        self._buffer = b""

    def _answer(self, path: str) -> tuple[int, bytes]:
        state = self._state
        if state.is_refused():
            state.refused += 1
            return 429, b'{"error":"rate limited"}'
        if path.startswith("/api/v1/ban-list"):
            return 200, state.ban_list()
        worker = path.removeprefix("/api/v1/verify/")
        return (200, state.verify(worker)) if worker in state.hashes else (404, b'{"error":"not found"}')

    def _send(self, status: int, body: bytes) -> None:
        retry = b"Retry-After: 1\r\n" if status == 429 else b""
        head = b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n"
        self._transport.write(head % (status, retry, len(body)) + body)


async def serve(workers: int) -> None:
    """Serve on a free port until the process is ended."""
    state = State(workers)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(state), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
