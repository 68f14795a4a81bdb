"""Notifies screens of many changes at once: a frame for each answer takes a tenth of a core."""

import asyncio
from collections.abc import Callable
from typing import Final

from textual.message import Message

_GATHER: Final = 0.25
"""Seconds for which changes are collected for one frame, while somebody looks; events are shown at once."""
_FEWER: Final = 4
"""Times as long they are collected while nobody does."""


class Gathering:
    """Holds messages back for a moment; of each kind, one is sent."""

    def __init__(self, send: Callable[[Message], None], is_attended: Callable[[], bool]) -> None:
        self._send, self._is_attended = send, is_attended
        self._waiting: set[type[Message]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def soon(self, kind: type[Message]) -> None:
        """Send a message of that kind, which takes no arguments, soon."""
        self._waiting.add(kind)
        if self._timer is None:
            pause = _GATHER if self._is_attended() else _FEWER * _GATHER
            self._timer = asyncio.get_running_loop().call_later(pause, self._send_all)

    def close(self) -> None:
        """Send nothing more."""
        if self._timer is not None:
            self._timer.cancel()

    def _send_all(self) -> None:
        waiting, self._waiting, self._timer = self._waiting, set(), None
        for kind in waiting:
            self._send(kind())
