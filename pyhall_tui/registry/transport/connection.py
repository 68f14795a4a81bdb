"""One connection: sends a request and reads its answer, one pair at a time."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import httpx

from pyhall_tui.registry.meter import TooMuchTakenIn
from pyhall_tui.registry.transport.answer_reader import AnswerReader

_MOST_HELD: Final = 256 * 1024
"""Bytes of a body that are held for the reader; beyond that, the other side has to wait."""


class WireConnection(asyncio.Protocol):
    """A connection in a pool. Anything that arrives between two requests ends it."""

    def __init__(self) -> None:
        self.idle_since = 0.0
        """When its last answer was read, by the loop's clock."""
        self.came_unasked = False
        """Whether the answer started to arrive before its request was sent."""
        self._transport: asyncio.Transport
        self._reader: AnswerReader | None = None
        self._surplus = b""
        self._most = self._taken = 0
        self._fault: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._is_paused = False
        self._is_lost = False

    @property
    def is_usable(self) -> bool:
        """Whether a request may go over it."""
        return not (self._is_lost or self._fault or self._transport.is_closing())

    async def ask(self, request: bytes, most: int) -> AnswerReader:
        """Send a request and return its answer; only its head has certainly arrived.

        Bytes after the last answer are read as part of this one, since nobody knows whose they are: see `came_unasked`.

        Args:
            most: bytes that may arrive for it.

        Raises:
            httpx.ReadError: the connection broke.
            httpx.RemoteProtocolError: the other side ended it without an answer, or sent none.
            TooMuchTakenIn: more than `most` bytes came.
        """
        self._reader = reader = AnswerReader()
        self._most, self._taken = most, 0
        self.came_unasked = bool(self._surplus)
        self._transport.write(request)
        if surplus := self._surplus:
            self._surplus = b""
            self.data_received(surplus)
        while not reader.status:
            await self._news()
        return reader

    async def body(self) -> AsyncIterator[bytes]:
        """Yield the answer's body as it arrives. Raises as `ask` does."""
        reader = self._reader
        assert reader is not None
        while True:
            while reader.body:
                yield reader.take()
                if self._is_paused and reader.held < _MOST_HELD // 2:
                    self._is_paused = False
                    self._transport.resume_reading()
            if reader.is_complete:
                return
            await self._news()

    def end_answer(self) -> bool:
        """Note that nobody reads the answer any more; return whether the connection can be kept."""
        reader, self._reader = self._reader, None
        if reader is None or not reader.may_go_on or reader.held or not self.is_usable:
            self.abort()
            return False
        self._surplus = reader.surplus
        return True

    def abort(self, fault: Exception | None = None) -> None:
        """Close it now. Whoever waits for an answer gets `fault`."""
        self._fault = self._fault or fault or httpx.ReadError("The connection was closed.")
        self._transport.abort()
        self._wake()

    async def aclose(self) -> None:
        """Close it now; httpx needs this for a response's `network_stream`."""
        self.abort()

    async def _news(self) -> None:
        """Wait until more has arrived."""
        if self._fault is not None:
            raise self._fault
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        reader = self._reader
        if reader is None:
            self.abort()
            return
        self._taken += len(data)
        if self._taken > self._most:
            self.abort(TooMuchTakenIn(f"more than {self._most:,} bytes came"))
            return
        try:
            reader.feed(data)
        except httpx.RemoteProtocolError as fault:
            self.abort(fault)
            return
        if reader.held > _MOST_HELD and not reader.is_complete and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        self._is_lost = True
        reader = self._reader
        if reader is not None and not reader.is_complete and self._fault is None:
            if error is not None:
                self._fault = httpx.ReadError(str(error))
                self._fault.__cause__ = error
            else:
                try:
                    reader.end()
                except httpx.RemoteProtocolError as fault:
                    self._fault = fault
        self._wake()
