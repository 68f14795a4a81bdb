"""Reads one answer off the wire with httptools, after checking each line of its framing here.

Answers can be smuggled if two readers of one connection understand its bytes differently. So we accept only what
httptools (llhttp) and h11 both accept and read in the same way; anything else ends the connection. That excludes line
ends without CR, a space before a colon, folded lines, control characters, a `Content-Length` twice or beside a
`Transfer-Encoding`, any other coding than `chunked`, and a chunk's size with a sign, a space or more than 20 digits.
"""

import re
from collections import deque
from typing import Final

import httptools
import httpx

MOST_OF_A_HEAD: Final = 100 * 1024
"""Bytes of a head, of a chunk's first line and of the trailers."""

_TOKEN: Final = rb"[-!#$%&'*+.^_`|~0-9a-zA-Z]+"
_STATUS_LINE: Final = rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?\r\n"
_HEADER_LINE: Final = rb"%b:[\t\x20-\x7e\x80-\xff]*\r\n" % _TOKEN
_HEAD: Final = re.compile(rb"%b(?:%b)*\r\n" % (_STATUS_LINE, _HEADER_LINE))
_FIRST_LINE: Final = re.compile(_STATUS_LINE)
_ANY_HEADER: Final = re.compile(_HEADER_LINE)
_END_OF_HEAD: Final = re.compile(rb"\n\r?\n")
_CHUNK_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,20})(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n")
_DIGITS: Final = re.compile(rb"[0-9]{1,20}")
_WITHOUT_BODY: Final = (204, 304)
_SWITCHES: Final = 101


class AnswerReader:
    """Reads one answer, skipping interim ones before it. Every fault is an `httpx.RemoteProtocolError`."""

    def __init__(self) -> None:
        self.status = 0
        """The status of the final answer; 0 until its head has arrived."""
        self.reason = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.body: deque[bytes] = deque()
        """What has arrived of the body and was not taken yet."""
        self.held = 0
        """Bytes in `body`."""
        self.is_complete = False
        self.surplus = b""
        """What came after the answer's end."""
        self._version = b""
        self._head = bytearray()
        self._searched = 0
        self._left = 0
        """Bytes of the body that are still to come, if its length is known."""
        self._length = 0
        self._until_close = False
        self._parser: httptools.HttpResponseParser | None = None
        self._chunks: _ChunkLines | None = None

    @property
    def may_go_on(self) -> bool:
        """Whether the connection may carry another request after this answer."""
        if not self.is_complete or self._until_close or self._version != b"1":
            return False
        named = (value for name, value in self.headers if name.lower() == b"connection")
        return not any(b"close" in map(bytes.strip, value.lower().split(b",")) for value in named)

    def feed(self, data: bytes) -> None:
        """Process received bytes."""
        if not self.status:
            data = self._feed_head(data)
            if not self.status:
                return
        if not data:
            return
        if self.is_complete:
            self.surplus += data
        elif self._chunks is not None:
            self._feed_chunks(data)
        elif self._until_close:
            self.on_body(data)
        else:
            self._feed_length(data)

    def end(self) -> None:
        """Process the end of the connection."""
        if not self.status:
            raise _fault("Server disconnected without sending a response.")
        if self._until_close:
            self.is_complete = True
        elif not self.is_complete:
            came = "incomplete chunked read"
            if self._chunks is None:
                came = f"received {self._length - self._left} bytes, expected {self._length}"
            raise _fault(f"peer closed connection without sending complete message body ({came})")

    def take(self) -> bytes:
        """Return the next received piece of the body."""
        piece = self.body.popleft()
        self.held -= len(piece)
        return piece

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header (called by httptools). Trailers are ignored."""
        if not self.status:
            self.headers.append((name, value.strip(b" \t")))

    def on_body(self, piece: bytes) -> None:
        """Add a piece of the body (called by httptools)."""
        self.body.append(piece)
        self.held += len(piece)

    def on_message_complete(self) -> None:
        """Note the answer's end (called by httptools)."""
        self.is_complete = True

    def _feed_head(self, data: bytes) -> bytes:
        """Process bytes of heads; return those after the final one."""
        self._head += data
        while not self.status:
            if self._head and self._head[0] < 0x21:
                raise _fault("illegal status line: it is empty")
            found = _END_OF_HEAD.search(self._head, self._searched)
            if (found.end() if found else len(self._head)) > MOST_OF_A_HEAD:
                raise _fault("Receive buffer too long")
            if found is None:
                self._searched = max(0, len(self._head) - 2)
                return b""
            head = bytes(self._head[: found.end()])
            del self._head[: found.end()]
            self._searched = 0
            self._read_head(head)
        rest, self._head = bytes(self._head), bytearray()
        return rest

    def _read_head(self, head: bytes) -> None:
        match = _HEAD.fullmatch(head)
        if match is None:
            raise _illegal(head)
        status = int(match[2])
        if status == _SWITCHES:
            raise _fault("it switches to another protocol, which was not asked for")
        self.headers = []
        self._parser = httptools.HttpResponseParser(self)
        self._parse(head)
        self.is_complete = False  # for httptools a message without a body ends with its head
        length = self._announced_length()
        if status < 200:
            return
        self.status, self._version, self.reason = status, match[1], match[3] or b""
        if status in _WITHOUT_BODY:
            length, self._chunks = 0, None
        self._until_close = length is None and self._chunks is None
        self._left = self._length = length or 0
        if self._chunks is None:
            self._parser = None
            self.is_complete = length == 0

    def _announced_length(self) -> int | None:
        """Return the value of `Content-Length`, or None; prepare for chunks if they are announced."""
        lengths, codings = [], []
        for name, value in self.headers:
            if (lower := name.lower()) == b"content-length":
                lengths.append(value)
            elif lower == b"transfer-encoding":
                codings.append(value.lower())
        self._chunks = _ChunkLines() if codings else None
        if codings not in ([], [b"chunked"]):
            raise _fault("Only Transfer-Encoding: chunked is supported")
        if len(lengths) + len(codings) > 1:
            raise _fault("conflicting Content-Length headers")
        if not lengths:
            return None
        if not _DIGITS.fullmatch(lengths[0]):
            raise _fault("bad Content-Length")
        return int(lengths[0])

    def _feed_length(self, data: bytes) -> None:
        if len(data) > self._left:
            data, self.surplus = data[: self._left], data[self._left :]
        self._left -= len(data)
        self.on_body(data)
        self.is_complete = not self._left

    def _feed_chunks(self, data: bytes) -> None:
        assert self._chunks is not None
        beyond = self._chunks.feed(data)
        self._parse(data[: len(data) - beyond])
        if self.is_complete != self._chunks.is_complete:
            raise _fault("its chunks can be read in two ways")
        if self.is_complete:
            self.surplus = data[len(data) - beyond :]
            self._parser = None

    def _parse(self, data: bytes) -> None:
        assert self._parser is not None
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            said = str(error)
        else:
            return
        raise _fault(said)


class _ChunkLines:
    """Follows where each chunk starts and ends, and checks its first line before httptools reads it."""

    def __init__(self) -> None:
        self.is_complete = False
        self._left = 0
        """Bytes up to the next chunk's first line."""
        self._line = bytearray()
        self._in_trailers = False
        self._trailers = 0

    def feed(self, data: bytes) -> int:
        """Check received bytes; return how many of the last ones are after the answer's end."""
        at = 0
        while at < len(data) and not self.is_complete:
            if self._left:
                step = min(self._left, len(data) - at)
                self._left -= step
                at += step
                continue
            end = data.find(b"\n", at) + 1
            self._line += data[at : end or None]
            if len(self._line) + self._trailers > MOST_OF_A_HEAD:
                raise _fault("Receive buffer too long")
            if not end:
                return 0
            at = end
            self._take_line()
        return len(data) - at

    def _take_line(self) -> None:
        line, self._line = self._line, bytearray()
        if self._in_trailers:
            self._trailers += len(line)
            self.is_complete = line == b"\r\n"
            if not self.is_complete and not _ANY_HEADER.fullmatch(line):
                raise _fault(f"illegal header line: {line.rstrip()!r}")
            return
        match = _CHUNK_LINE.fullmatch(line)
        if match is None:
            raise _fault(f"illegal chunk header: {line!r}")
        size = int(match[1], 16)
        self._left = size + 2 if size else 0
        self._in_trailers = not size


def _illegal(head: bytes) -> httpx.RemoteProtocolError:
    """Return the error that names the unreadable line of a head."""
    first, *lines = (bytearray(line) for line in head.splitlines(keepends=True))
    if not _FIRST_LINE.fullmatch(first):
        return _fault(f"illegal status line: {first.rstrip()!r}")
    wrong = next((line for line in lines if not _ANY_HEADER.fullmatch(line)), first)
    return _fault(f"illegal header line: {wrong.rstrip()!r}")


def _fault(message: str) -> httpx.RemoteProtocolError:
    return httpx.RemoteProtocolError(message)
