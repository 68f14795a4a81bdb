"""The connections to one origin: a limited number, kept for a while if they may be reused."""

import asyncio
import ssl
from collections import deque
from typing import Final

import httpx

from pyhall_tui.registry.transport.connecting import connect
from pyhall_tui.registry.transport.connection import WireConnection
from pyhall_tui.registry.transport.progress import KEPT_FOR, Progress

_CLOSED_HERE: Final = "The connection to the registry was closed here."


class Pool:
    """Lends connections, the most recently used first, so that unneeded ones get old and are closed."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None, *, most: int, keeps: bool) -> None:
        """Don't connect yet.

        Args:
            most: connections at a time.
            keeps: whether connections are reused.
        """
        self._host, self._port, self._context = host, port, context
        self._keeps = keeps
        self._places = asyncio.Semaphore(most)
        self._idle: deque[WireConnection] = deque()
        """The most recently used one is last."""
        self._lent: set[WireConnection] = set()
        self._is_closed = False

    async def lend(self, progress: Progress) -> WireConnection:
        """Return a connection that nobody else uses, as soon as one is allowed.

        Raises:
            httpx.ConnectError: none can be made.
            RuntimeError: the pool was closed.
        """
        await self._places.acquire()
        try:
            connection = self._kept() or await self._new(progress)
        except BaseException:
            self._places.release()
            raise
        self._lent.add(connection)
        return connection

    def take_back(self, connection: WireConnection) -> None:
        """Take a connection back; it is kept if its answer was read to the end and leaves it usable."""
        if connection not in self._lent:
            return
        self._lent.discard(connection)
        self._places.release()
        if connection.end_answer():
            if self._keeps and not self._is_closed:
                connection.idle_since = asyncio.get_running_loop().time()
                self._idle.append(connection)
            else:
                connection.abort()

    def close(self) -> None:
        """Close every connection; requests under way fail."""
        self._is_closed = True
        for connection in (*self._lent, *self._idle):
            connection.abort(httpx.ReadError(_CLOSED_HERE))
        self._idle.clear()

    def _kept(self) -> WireConnection | None:
        oldest = asyncio.get_running_loop().time() - KEPT_FOR
        while self._idle and (self._idle[0].idle_since < oldest or not self._idle[0].is_usable):
            self._idle.popleft().abort()
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable:
                return connection
        return None

    async def _new(self, progress: Progress) -> WireConnection:
        if self._is_closed:
            raise RuntimeError(_CLOSED_HERE)
        progress.connects()
        connection = await connect(self._host, self._port, self._context)
        if self._is_closed:
            connection.abort()
            raise httpx.ReadError(_CLOSED_HERE)
        return connection
