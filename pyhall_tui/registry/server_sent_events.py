"""Reads a stream of server-sent events (WHATWG HTML, 9.2), limited in everything. Pure: bytes in, events out."""

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from pyhall_tui.registry.decode import Unreadable

MOST_OF_A_LINE: Final = 16 * 1024
"""Bytes of one line."""
MOST_OF_AN_EVENT: Final = 64 * 1024
"""Bytes of one event's data."""
LONGEST_RETRY: Final = 60.0
"""Seconds between two connections that a stream may ask for."""

_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
_BOM: Final = b"\xef\xbb\xbf"
_ID: Final = re.compile(rb"[0-9]{1,18}")
_RETRY: Final = re.compile(rb"[0-9]{1,9}")


class ServerSentEvent(NamedTuple):
    """One event as it came. `id` is None if the event has none, or one that is not a number."""

    type: str
    data: bytes
    id: int | None


class EventReader:
    """Passes each whole event to `take`. An event that is not whole when the stream ends is dropped."""

    def __init__(self, take: Callable[[ServerSentEvent], None]) -> None:
        self.retry = 0.0
        """Seconds that the stream asks us to wait before we connect again."""
        self._take = take
        self._line = bytearray()
        self._ended_with_cr = False
        self._is_first_line = True
        self._type, self._data, self._size = b"message", list[bytes](), 0
        self._id: int | None = None

    def feed(self, data: bytes) -> None:
        """Read the next bytes.

        Raises:
            Unreadable: a line or an event is too long.
        """
        if self._ended_with_cr and data.startswith(b"\n"):
            data = data[1:]
            self._ended_with_cr = False
        if not data:
            return
        self._ended_with_cr = data.endswith(b"\r")
        first, *rest = _LINE_END.split(data)
        self._add(first)
        for piece in rest:
            line = bytes(self._line)
            self._line.clear()
            self._add(piece)
            self._read_line(line)

    def _add(self, piece: bytes) -> None:
        if len(self._line) + len(piece) > MOST_OF_A_LINE:
            raise Unreadable(f"a line of it is longer than {MOST_OF_A_LINE:,} bytes")
        self._line += piece

    def _read_line(self, line: bytes) -> None:
        if self._is_first_line:
            self._is_first_line = False
            line = line.removeprefix(_BOM)
        if not line:
            self._end_event()
            return
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._add_data(value)
        elif name == b"event":
            self._type = value
        elif name == b"id":
            self._id = int(value) if _ID.fullmatch(value) else None
        elif name == b"retry" and _RETRY.fullmatch(value):
            self.retry = min(LONGEST_RETRY, int(value) / 1000)

    def _add_data(self, value: bytes) -> None:
        self._size += len(value) + 1
        if self._size > MOST_OF_AN_EVENT:
            raise Unreadable(f"an event is longer than {MOST_OF_AN_EVENT:,} bytes")
        self._data.append(value)

    def _end_event(self) -> None:
        event = ServerSentEvent(self._type.decode("utf-8", "replace"), b"\n".join(self._data), self._id)
        has_data = bool(self._data)
        self._type, self._data, self._size, self._id = b"message", [], 0, None
        if has_data:
            self._take(event)
