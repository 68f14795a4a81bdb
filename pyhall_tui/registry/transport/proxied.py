"""Sends requests through a proxy, over httpcore, which can ask a proxy for a tunnel.

Each request scans every connection of its httpx pool and polls the idle ones, so its cost grows with the pool: with 32
connections in one pool a request takes 3.6 ms of CPU, in pools of four 1.1 ms.
"""

import math
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final

import httpx

from pyhall_tui.registry.lean_client import TARGET
from pyhall_tui.registry.meter import METER, Meter, metered
from pyhall_tui.registry.transport.progress import EXTENSION, FRESH, KEPT_FOR, Progress

POOL_SIZE: Final = 4


class ProxiedTransport(httpx.AsyncBaseTransport):
    """Sends a read through the least busy of several pools, and anything else over its own connection.

    For the reason, see `direct`.
    """

    def __init__(self, *, connections: int, context: ssl.SSLContext, proxy: str) -> None:
        """Make pools for that many simultaneous reads; they all share one TLS context."""

        def pool(size: int, kept: int) -> httpx.AsyncHTTPTransport:
            limits = httpx.Limits(max_connections=size, max_keepalive_connections=kept, keepalive_expiry=KEPT_FOR)
            made = httpx.AsyncHTTPTransport(verify=context, trust_env=False, limits=limits, proxy=proxy)
            return metered(made)

        self._kept = [pool(POOL_SIZE, POOL_SIZE) for _ in range(math.ceil(connections / POOL_SIZE))]
        self._busy = [0] * len(self._kept)
        self._fresh = pool(connections, 0)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        progress: Progress = request.extensions[EXTENSION]
        METER.set(Meter(progress.most))
        request.extensions["trace"] = _trace(progress)
        request.url = request.url.copy_with(raw_path=request.extensions.pop(TARGET))
        if request.method != "GET" or request.extensions.get(FRESH):
            return await self._fresh.handle_async_request(request)
        chosen = self._busy.index(min(self._busy))
        self._busy[chosen] += 1
        try:
            response = await self._kept[chosen].handle_async_request(request)
        except BaseException:
            self._busy[chosen] -= 1
            raise
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _Counted(response.stream, self._busy, chosen)
        return response

    async def aclose(self) -> None:
        for transport in (*self._kept, self._fresh):
            await transport.aclose()


class _Counted(httpx.AsyncByteStream):
    """A body that frees its place in the pool when it is closed."""

    def __init__(self, stream: httpx.AsyncByteStream, busy: list[int], chosen: int) -> None:
        self._stream = stream
        self._busy = busy
        self._chosen: int | None = chosen

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._stream.__aiter__()

    async def aclose(self) -> None:
        if self._chosen is not None:
            self._busy[self._chosen] -= 1
            self._chosen = None
        await self._stream.aclose()


def _trace(progress: Progress) -> Callable[[str, Mapping[str, Any]], Awaitable[None]]:
    """Return a callback that turns httpcore's events (its `trace` extension) into the steps of a request's progress."""
    is_sent = False

    async def trace(event: str, info: Mapping[str, Any]) -> None:
        nonlocal is_sent
        if event == "connection.connect_tcp.started":
            progress.connects()
        elif event == "http11.send_request_headers.started" and info["request"].method != b"CONNECT":
            is_sent = True
            progress.sends()
        elif event == "http11.receive_response_headers.complete" and is_sent:
            progress.hears(info["return_value"][1])

    return trace
