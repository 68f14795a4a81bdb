"""A server that answers exactly what a test says, over a real socket, and records what reached it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import msgspec


@dataclass
class RawRequest:
    """One request as received."""

    line: str
    headers: dict[str, str]
    body: bytes
    connection: int
    reader: asyncio.StreamReader
    """Ends with the connection; only for a script that answers without end."""

    @property
    def method(self) -> str:
        return self.line.split(" ")[0]

    @property
    def target(self) -> str:
        return self.line.split(" ")[1]


Script = bytes | Callable[[RawRequest, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class RawServer:
    """Each request uses one of the `scripts`; the last one is repeated."""

    port: int = 0
    scheme: str = "http"
    scripts: list[Script] = field(default_factory=list)
    requests: list[RawRequest] = field(default_factory=list)
    connections: int = 0
    open_connections: int = 0
    bytes_seen: bytearray = field(default_factory=bytearray)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def answer(self, *scripts: Script) -> None:
        self.scripts = list(scripts)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open_connections += 1
        number = self.connections
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await self._answer_all(reader, writer, number)
        finally:
            self.open_connections -= 1
            writer.close()

    async def _answer_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        while not writer.is_closing():
            request = await self._read(reader, number)
            self.requests.append(request)
            script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
            if isinstance(script, bytes):
                writer.write(script)
                await writer.drain()
            else:
                await script(request, writer)

    async def _read(self, reader: asyncio.StreamReader, number: int) -> RawRequest:
        head = await reader.readuntil(b"\r\n\r\n")
        line, *lines = head.decode().rstrip("\r\n").split("\r\n")
        headers = {name.lower(): value.strip() for name, value in (text.split(":", 1) for text in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.bytes_seen += head + body
        return RawRequest(line, headers, body, number, reader)


def answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """Return a whole answer with that body."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def json(value: object, status: str = "200 OK", *headers: str) -> bytes:
    """Return a whole answer with that value as JSON."""
    return answer(msgspec.json.encode(value), status, "Content-Type: application/json", *headers)


def verdict(worker_id: str = "wkr_abc123", **fields: object) -> bytes:
    """Return a clean verify answer in the documented shape, with `fields` over it."""
    documented = {
        "worker_id": worker_id,
        "namespace": "org.yourco",
        "status": "active",
        "attested": True,
        "attest_sha256": "ab" * 32,
        "ban_status": "clean",
    }
    return json(documented | fields)


async def hang_up(request: RawRequest, writer: asyncio.StreamWriter) -> None:
    """Close the connection without an answer."""
    writer.close()


async def never(request: RawRequest, writer: asyncio.StreamWriter) -> None:
    """Answer nothing, and hold the connection."""
    await asyncio.Event().wait()


@asynccontextmanager
async def raw_server(context: ssl.SSLContext | None = None) -> AsyncIterator[RawServer]:
    """Run one on a free port of localhost, over TLS if a context is given."""
    raw = RawServer(scheme="http" if context is None else "https")
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(raw.serve(reader, writer)))

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    raw.port = server.sockets[0].getsockname()[1]
    try:
        yield raw
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # closed sockets are released in the loop's next round


async def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Let the loop run until the condition holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  (the other side of a socket sets no event)
            await asyncio.sleep(0.001)
