"""Sends an answer's head and body in one piece: each write to a socket costs as much as making its content."""

import asyncio
from typing import Any

_MOST = 64 * 1024  # bytes that are held back


class OneWrite:
    """A transport that collects writes until `flush`, the end of the loop's turn, or a limit.

    Everything else is passed to the underlying transport.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._held: list[bytes] = []
        self._size = 0
        self.abort = transport.abort
        self.is_closing = transport.is_closing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Add bytes to send."""
        if not data:
            return
        if not self._held:
            self._loop.call_soon(self.flush)
        self._held.append(data)
        self._size += len(data)
        if self._size > _MOST:
            self.flush()

    def flush(self) -> None:
        """Send what is held back."""
        if self._held:
            held, self._held, self._size = self._held, [], 0
            self._transport.write(held[0] if len(held) == 1 else b"".join(held))

    def close(self) -> None:
        """Send what is held back, then close."""
        self.flush()
        self._transport.close()
