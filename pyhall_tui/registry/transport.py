"""One transport over several small pools.

Each request scans every connection of its httpx pool and polls the idle ones, so the cost of one grows
with the pool: 32 connections in one take 3.6 ms of CPU a request, in pools of four 1.1 ms.
"""

import math
import ssl
from collections.abc import AsyncIterator
from typing import Final

import httpx

from pyhall_tui.registry.meter import metered

POOL_SIZE: Final = 4
KEPT_FOR: Final = 30.0
"""Seconds that an idle connection is kept; shorter than what routers on the way usually grant."""


class SpreadTransport(httpx.AsyncBaseTransport):
    """Sends a read through the least busy of several pools, and anything else over a connection of its own.

    What must not be sent twice never goes over a kept connection: the registry may be closing that one just
    now, and then nobody can tell whether it was heard.
    """

    def __init__(self, *, connections: int, context: ssl.SSLContext, proxy: str | None) -> None:
        """Make pools for that many reads at a time; all share the one TLS context."""

        def pool(size: int, kept: int) -> httpx.AsyncHTTPTransport:
            limits = httpx.Limits(max_connections=size, max_keepalive_connections=kept, keepalive_expiry=KEPT_FOR)
            made = httpx.AsyncHTTPTransport(verify=context, trust_env=False, limits=limits, proxy=proxy)
            return metered(made)

        self._kept = [pool(POOL_SIZE, POOL_SIZE) for _ in range(math.ceil(connections / POOL_SIZE))]
        self._busy = [0] * len(self._kept)
        self._fresh = pool(connections, 0)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "GET" or request.extensions.get("fresh"):
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
    """A body that gives its place in the pool back when it is closed."""

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
