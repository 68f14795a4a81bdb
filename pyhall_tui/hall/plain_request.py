"""Reads and answers plain requests without h11, which takes more time per request than the hall needs to decide it.

A plain request means the same to every reader, and has arrived in one piece: `read_plain` accepts a small part of
HTTP/1.1, and h11 reads the same bytes as the same request. h11 handles everything else.
"""

import re
from http import HTTPStatus
from typing import Any, NamedTuple

from uvicorn.protocols.http.h11_impl import RequestResponseCycle

_MOST = 64 * 1024  # bytes of head and body
_REQUEST = re.compile(rb"(GET|POST|PUT|DELETE) (/[!-~]*) HTTP/1\.1\r\n")
_FIELD = rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ?([!-~][ -~]*)\r\n"
_FIELDS = re.compile(rb"(?:%b)+" % _FIELD.replace(b"(", b"(?:"))
_EACH_FIELD = re.compile(_FIELD)
_NOT_PLAIN = frozenset((b"transfer-encoding", b"expect", b"upgrade", b"te", b"trailer"))
_LENGTH = re.compile(rb"0|[1-9][0-9]{0,4}")
_STATUS_LINES = {each.value: f"HTTP/1.1 {each.value} {each.phrase}\r\n".encode() for each in HTTPStatus}
_WITHOUT_BODY = (204, 304)


class PlainRequest(NamedTuple):
    """A whole request; the names of its headers are in lower case."""

    method: bytes
    target: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes


def read_plain(data: bytes) -> PlainRequest | None:
    """Return the one plain request that `data` is, to its last byte; None if it is anything else."""
    end = data.find(b"\r\n\r\n") + 2
    if end < 2 or len(data) > _MOST or b" \r\n" in data[:end]:
        return None
    line = _REQUEST.match(data, 0, end)
    if line is None or _FIELDS.fullmatch(data, line.end(), end) is None:
        return None
    headers = [(name.lower(), value) for name, value in _EACH_FIELD.findall(data, line.end(), end)]
    length = _length(headers)
    if length is None or len(data) != end + 2 + length:
        return None
    return PlainRequest(line[1], line[2], headers, data[end + 2 :])


def _length(headers: list[tuple[bytes, bytes]]) -> int | None:
    """Return the length of the body; None if the headers say more than a plain request's."""
    hosts, lengths = 0, []
    for name, value in headers:
        if name == b"host":
            hosts += 1
        elif name == b"content-length":
            lengths.append(value)
        elif name in _NOT_PLAIN or (name == b"connection" and value.lower() != b"keep-alive"):
            return None
    if hosts != 1 or len(lengths) > 1 or not all(map(_LENGTH.fullmatch, lengths)):
        return None
    return int(lengths[0]) if lengths else 0


class PlainCycle(RequestResponseCycle):
    """A plain request and its answer, which is written in one piece if the app provides it in one."""

    _head: bytes = b""
    _chunked = False
    _empty = False

    async def send(self, message: Any) -> None:
        """Add a part of the answer from the app."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if not self.response_started:
            self._begin(message)
        elif not self.response_complete:
            self._go_on(message.get("body", b""), more=message.get("more_body", False))
        else:
            raise RuntimeError("the answer is complete already")

    def _begin(self, message: Any) -> None:
        status, headers = message["status"], [*self.default_headers, *message.get("headers", ())]
        names = {name for name, _ in headers}
        self._empty = status in _WITHOUT_BODY
        self._chunked = not self._empty and b"content-length" not in names
        if self._chunked:
            headers.append((b"transfer-encoding", b"chunked"))
        if b"connection" in names:
            self.keep_alive = False
        lines = [b"%b: %b\r\n" % header for header in headers]
        head = b"".join((_STATUS_LINES[status], *lines, b"\r\n"))
        if not head.count(b"\n") == head.count(b"\r") == len(lines) + 2:
            raise RuntimeError("a header of the answer holds the end of a line")
        self._head, self.response_started = head, True

    def _go_on(self, body: bytes, *, more: bool) -> None:
        piece = b"" if self._empty else body
        if self._chunked:
            piece = (b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b"") + (b"" if more else b"0\r\n\r\n")
        self.transport.write(self._head + piece)
        self._head = b""
        if not more:
            self.response_complete = True
            self.message_event.set()
            if not self.keep_alive:
                self.transport.close()
            self.on_response()
