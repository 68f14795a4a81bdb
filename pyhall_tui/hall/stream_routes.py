"""The routes that push: a client holds the request open, and hears of each change at once."""

import asyncio
import re
import socket
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from pyhall_tui.hall.context import Hall
from pyhall_tui.hall.stream import Client, Stream, Streams
from pyhall_tui.hall.stream_events import CHANGES, DISPATCHES, event, message
from pyhall_tui.hall.wire import address_of, admit_read, correlation, hall_of

_NAME = "pyhall-tui"
_SILENT = 30_000  # milliseconds
_AT_ONCE = 64 * 1024  # bytes
_NUMBER = re.compile(r"[0-9]{1,18}")
_UNKNOWN = -1
_TYPE = "text/event-stream"
_HEADERS = {
    "Cache-Control": "no-store",
    "Connection": "close",  # once the stream has ended
    "X-Accel-Buffering": "no",  # so that nginx passes each event on at once
}


async def events(request: Request) -> Response:
    """`GET /api/v1/events`: each change that the key may see; `Last-Event-ID` continues where a stream was cut."""
    client = _client(request)
    headers = _HEADERS | correlation(request)
    if request.method == "HEAD":
        return Response(headers=headers, media_type=_TYPE)
    streams = hall_of(request).streams
    after = _last_event(request)
    stream = await streams.open(client, after)
    return _Pushed(streams, stream, _changes(hall_of(request), stream, after), headers)


async def dispatches(request: Request) -> Response:
    """`GET /events`: each decision as it is made, in the form of the published monitor's own stream."""
    client = _client(request)._replace(wants="dispatches")
    headers = _HEADERS | correlation(request)
    if request.method == "HEAD":
        return Response(headers=headers, media_type=_TYPE)
    hall = hall_of(request)
    stream = await hall.streams.open(client)
    return _Pushed(hall.streams, stream, _decisions(hall, stream), headers)


def _client(request: Request) -> Client:
    namespace = admit_read(request)
    if namespace is None:
        return Client(f"address {address_of(request)}", None, None)
    token = request.headers["authorization"].partition(" ")[2].strip()
    return Client(f"key {token}", token, namespace)


def _last_event(request: Request) -> int | None:
    stated = request.headers.get("last-event-id")
    if not stated:
        return None
    return int(stated) if _NUMBER.fullmatch(stated) else _UNKNOWN


async def _changes(hall: Hall, stream: Stream, after: int | None) -> AsyncGenerator[bytes, None]:
    streams, begins = hall.streams, stream.revision
    now = streams.number(begins)
    about = {"hall": hall.presence.name if hall.presence else _NAME, "revision": now, "heartbeat_s": streams.heartbeat}
    # If it is cut off before it has what it missed, it asks for that again.
    yield event("connected", about, after if after is not None and streams.knows(after, begins) else now)
    if after is not None:
        async for piece in streams.missed(stream, after, begins):
            yield piece
    while (news := await stream.next(streams.heartbeat)) is not None:
        if news:
            yield news
        elif streams.is_sure:
            number = streams.number(stream.revision)
            yield event("heartbeat", {"revision": number}, number)


async def _decisions(hall: Hall, stream: Stream) -> AsyncGenerator[bytes, None]:
    yield message({"type": "connected", "ts": hall.store.now()})
    while (news := await stream.next(hall.streams.heartbeat)) is not None:
        if news:
            yield news
        elif hall.streams.is_sure:
            yield message({"type": "heartbeat", "ts": hall.store.now()})


class _Pushed(Response):
    """Sends pieces until there are no more or the client is gone."""

    def __init__(
        self, streams: Streams, stream: Stream, pieces: AsyncGenerator[bytes, None], headers: dict[str, str]
    ) -> None:
        super().__init__(headers=headers, media_type=_TYPE)
        del self.headers["content-length"]
        self._streams, self._stream, self._pieces = streams, stream, pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        stream = self._stream
        transport: asyncio.Transport = scope["state"]["transport"]
        stream.abort = transport.abort
        _notice_silence(transport)
        gone = asyncio.create_task(_hung_up(receive))
        gone.add_done_callback(lambda _: stream.end())
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async with aclosing(self._pieces) as pieces:
                async for piece in pieces:
                    stream.is_sending = True
                    for start in range(0, len(piece), _AT_ONCE):  # waits for the client in between
                        part = piece[start : start + _AT_ONCE]
                        await send({"type": "http.response.body", "body": part, "more_body": True})
                    stream.is_sending = False
            await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()
            self._streams.left(stream)


def _notice_silence(transport: asyncio.Transport) -> None:
    """Lose a client whose machine acknowledges nothing, instead of after a quarter of an hour, if the system can."""
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is not None:
        with suppress(OSError):
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, option, _SILENT)


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


ROUTES = [Route(CHANGES, events), Route(DISPATCHES, dispatches)]
