"""Sends requests straight to the registry, over asyncio and httptools: a third of the CPU of httpx's own transport."""

import re
import ssl
from collections.abc import AsyncIterator
from typing import Any, Final

import httpx

from pyhall_tui.registry.lean_client import TARGET
from pyhall_tui.registry.transport.connection import WireConnection
from pyhall_tui.registry.transport.pool import Pool
from pyhall_tui.registry.transport.progress import EXTENSION, FRESH, Progress

CAME_UNASKED: Final = "came_unasked"
"""The response's extension that says that it started to arrive before its request was sent."""

_PORTS: Final = {"http": 80, "https": 443}
_REQUEST: Final = re.compile(
    rb"[A-Z]+ [\x21-\x7e]+ HTTP/1\.1\r\n(?:[-!#$%&'*+.^_`|~0-9a-zA-Z]+: [\t\x20-\x7e\x80-\xff]*\r\n)+\r\n"
)


class DirectTransport(httpx.AsyncBaseTransport):
    """Sends a read over a kept connection, and anything else over its own connection.

    What must not be sent twice never goes over a kept connection: the registry may be closing it at that moment, and
    then nobody knows whether the request arrived.
    """

    def __init__(self, base_url: str, *, connections: int, context: ssl.SSLContext) -> None:
        """Don't connect yet. All requests go to the origin of `base_url`, that many of each kind at a time."""
        url = httpx.URL(base_url)
        tls = context if url.scheme == "https" else None
        if tls is not None:
            tls.set_alpn_protocols(["http/1.1"])
        host, port = url.raw_host.decode("ascii"), url.port or _PORTS[url.scheme]
        self._origin = (url.scheme, url.raw_host, url.port)
        self._kept = Pool(host, port, tls, most=connections, keeps=True)
        self._fresh = Pool(host, port, tls, most=connections, keeps=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, whose extensions hold its `Progress`, and return the answer once its head has arrived.

        Raises:
            httpx.TransportError: there is no answer.
            TooMuchTakenIn: more came than its `Progress` allows.
        """
        url = request.url
        if (url.scheme, url.raw_host, url.port) != self._origin:
            raise httpx.UnsupportedProtocol(f"{url.scheme}://{url.host} is not what this transport is for")
        progress: Progress = request.extensions[EXTENSION]
        head = _head(request)
        is_fresh = request.method != "GET" or request.extensions.get(FRESH)
        pool = self._fresh if is_fresh else self._kept
        connection = await pool.lend(progress)
        try:
            progress.sends()
            assert isinstance(request.stream, httpx.AsyncByteStream)
            body = b"".join([piece async for piece in request.stream])
            answer = await connection.ask(head + body, progress.most)
        except BaseException:
            connection.abort()
            pool.take_back(connection)
            raise
        progress.hears(answer.status)
        extensions: dict[str, Any] = {
            "http_version": b"HTTP/1.1",
            "reason_phrase": answer.reason,
            "network_stream": connection,
            CAME_UNASKED: connection.came_unasked,
        }
        stream = _Body(connection, pool)
        return httpx.Response(answer.status, headers=answer.headers, stream=stream, extensions=extensions)

    async def aclose(self) -> None:
        """Close every connection; requests under way fail."""
        self._kept.close()
        self._fresh.close()


class _Body(httpx.AsyncByteStream):
    """An answer's body, which gives back its connection when it is closed."""

    def __init__(self, connection: WireConnection, pool: Pool) -> None:
        self._connection, self._pool = connection, pool

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._connection.body()

    async def aclose(self) -> None:
        self._pool.take_back(self._connection)


def _head(request: httpx.Request) -> bytes:
    """Return the head of a request.

    Raises:
        httpx.LocalProtocolError: it would not be exactly one request. The message doesn't repeat its content.
    """
    lines = [b"%b %b HTTP/1.1" % (request.method.encode("ascii"), request.extensions[TARGET])]
    lines += [b"%b: %b" % (name, value) for name, value in request.headers.raw]
    head = b"\r\n".join(lines) + b"\r\n\r\n"
    if head.count(b"\n") != len(lines) + 1 or not _REQUEST.fullmatch(head):
        raise httpx.LocalProtocolError("a header or the path has a character that cannot be sent")
    return head
