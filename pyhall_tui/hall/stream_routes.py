"""The routes that push: a client holds the request open, and hears of each change at once."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from pyhall_tui.hall.context import Hall
from pyhall_tui.hall.stream import Listener, Stream, Streams
from pyhall_tui.hall.stream_events import event, message
from pyhall_tui.hall.wire import admit_read, correlation, hall_of

EVENTS = "/api/v1/events"
DISPATCHES = "/events"
_NAME = "pyhall-tui"
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
    listener = _listener(request)
    headers = _HEADERS | correlation(request)
    if request.method == "HEAD":
        return Response(headers=headers, media_type=_TYPE)
    streams = hall_of(request).streams
    after = _last_event(request)
    stream = await streams.open(listener, after)
    return _Pushed(streams, stream, _changes(streams, stream, after), headers)


async def dispatches(request: Request) -> Response:
    """`GET /events`: each decision as it is made, in the form of the published monitor's own stream."""
    listener = _listener(request)._replace(wants="dispatches")
    headers = _HEADERS | correlation(request)
    if request.method == "HEAD":
        return Response(headers=headers, media_type=_TYPE)
    hall = hall_of(request)
    stream = await hall.streams.open(listener)
    return _Pushed(hall.streams, stream, _decisions(hall, stream), headers)


def _listener(request: Request) -> Listener:
    namespace = admit_read(request)
    if namespace is None:
        return Listener(f"address {request.client.host if request.client else ''}", None, None)
    token = request.headers["authorization"].partition(" ")[2].strip()
    return Listener(f"key {token}", token, namespace)


def _last_event(request: Request) -> int | None:
    stated = request.headers.get("last-event-id")
    if not stated:
        return None
    return int(stated) if _NUMBER.fullmatch(stated) else _UNKNOWN


async def _changes(streams: Streams, stream: Stream, after: int | None) -> AsyncGenerator[bytes, None]:
    begins = stream.revision
    now = streams.number(begins)
    about = {"hall": _NAME, "revision": now, "heartbeat_s": streams.heartbeat}
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
        stream.abort = scope["state"]["transport"].abort
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


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


ROUTES = [Route(EVENTS, events), Route(DISPATCHES, dispatches)]
