"""What a raw server streams: a head, then whatever a test puts into it."""

import asyncio

import msgspec

from tests.registry.raw_server import RawRequest, Script, json, verdict

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


def event(kind: str, number: int | None = None, **data: object) -> bytes:
    """Return one event as it is streamed."""
    head = b"" if number is None else b"id: %d\n" % number
    return b"event: %b\n%bdata: %b\n\n" % (kind.encode(), head, msgspec.json.encode(data))


def connected(number: int = 1, heartbeat: float = 10) -> bytes:
    """Return a stream's first event."""
    return event("connected", number, hall="test", revision=number, heartbeat_s=heartbeat)


class Streams:
    """Answers `GET /api/v1/events` with a stream, and anything else as a registry with these bans.

    Use it as a raw server's only script. `send` writes to the streams that are open.
    """

    def __init__(self) -> None:
        self.begins: bytes = HEAD + connected()
        """What each new stream begins with."""
        self.desktop: bytes = b""
        """What the published desktop monitor's stream begins with; none if empty."""
        self.instead: Script | None = None
        """What is answered instead of a stream."""
        self.banned: list[str] = []
        self.asked: list[str] = []
        """The targets of all requests."""
        self.last_ids: list[str | None] = []
        self.open: list[asyncio.StreamWriter] = []

    async def __call__(self, request: RawRequest, writer: asyncio.StreamWriter) -> None:
        self.asked.append(request.target)
        if request.target == "/api/v1/events":
            self.last_ids.append(request.headers.get("last-event-id"))
            await self._stream(request, writer)
        elif request.target == "/events" and self.desktop:
            await self._hold(request, writer, self.desktop)
        elif request.target.startswith("/api/v1/ban-list"):
            writer.write(json([{"sha256": each} for each in self.banned]))
        else:
            writer.write(verdict(request.target.rpartition("/")[2]))
        await writer.drain()

    async def _stream(self, request: RawRequest, writer: asyncio.StreamWriter) -> None:
        if isinstance(self.instead, bytes):
            writer.write(self.instead)
        elif self.instead is not None:
            await self.instead(request, writer)
        else:
            await self._hold(request, writer, self.begins)

    async def _hold(self, request: RawRequest, writer: asyncio.StreamWriter, begins: bytes) -> None:
        writer.write(begins)
        self.open.append(writer)
        try:
            await request.reader.read()  # to its end
        finally:
            self.open.remove(writer)

    def send(self, data: bytes) -> None:
        """Write to all open streams."""
        for writer in self.open:
            writer.write(data)

    def end(self) -> None:
        """Close all open streams."""
        for writer in self.open:
            writer.close()

    def count(self, part: str) -> int:
        """Return how many requests had that in their target."""
        return sum(part in each for each in self.asked)
