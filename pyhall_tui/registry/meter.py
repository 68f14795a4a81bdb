"""Counts what comes off the wire for one request: heads, interim answers, chunk sizes and extensions, trailers, body.

httpx reports only the body; a registry could send endless data outside it.
"""

import ssl
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any, Final

import httpcore
import httpx

BESIDES_THE_BODY: Final = 1024 * 1024
"""Bytes that may come for one request besides its body: the head is at most 100 kB, the rest is framing."""


class TooMuchTakenIn(RuntimeError):
    """More came off the wire than this request's limit."""


class Meter:
    """The bytes that one request may receive."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.taken = 0

    def take(self, count: int) -> None:
        """Count received bytes.

        Raises:
            TooMuchTakenIn: they are over the limit.
        """
        self.taken += count
        if self.taken > self.most:
            raise TooMuchTakenIn(f"more than {self.most:,} bytes came")


METER: ContextVar[Meter | None] = ContextVar("meter", default=None)
"""The meter of the running task's request."""


def metered(transport: httpx.AsyncHTTPTransport) -> httpx.AsyncHTTPTransport:
    """Make a transport count what its connections read, by the `METER` of the task that reads."""
    pool = _pool_of(transport)
    pool._network_backend = _Backend(pool._network_backend)  # noqa: SLF001
    return transport


def _pool_of(transport: httpx.AsyncHTTPTransport) -> httpcore.AsyncConnectionPool:
    """Return what opens the connections. httpx makes it, and has no parameter for its backend (as of 0.28)."""
    pool = transport._pool  # noqa: SLF001
    assert isinstance(pool, httpcore.AsyncConnectionPool)
    return pool


class _Backend(httpcore.AsyncNetworkBackend):
    """Opens connections through another backend, and counts what they read."""

    def __init__(self, inner: httpcore.AsyncNetworkBackend) -> None:
        self._inner = inner

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return _Stream(await self._inner.connect_tcp(host, port, timeout, local_address, socket_options))

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


class _Stream(httpcore.AsyncNetworkStream):
    """A connection that counts what it reads."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        came = await self._inner.read(max_bytes, timeout)
        if (meter := METER.get()) is not None:
            meter.take(len(came))
        return came

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        return _Stream(await self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
