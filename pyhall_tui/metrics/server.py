"""Serves `/metrics` on the running loop: one request per connection, bounded in size and time."""

import asyncio
import contextlib
import logging
import re
import socket
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from pyhall_tui.hosts import is_own, is_this_machine, name_of
from pyhall_tui.metrics.text_format import CONTENT_TYPE

DEADLINE: Final = 10.0
"""Seconds that a connection may last."""
MOST: Final = 32
"""Connections at the same time; for one more, the oldest is closed."""
_HEAD: Final = 8 * 1024
"""Bytes of a request's head."""
_REQUEST: Final = re.compile(rb"([A-Z]+) ([!-~]+) HTTP/1\.[01]")
_PLAIN: Final = "text/plain; charset=utf-8"
_OWN: Final = ("same-origin", "none")

_log = logging.getLogger(__name__)


class _Answer(NamedTuple):
    """What is sent back."""

    status: str
    text: str
    type: str = _PLAIN
    more: str = ""
    """Further header lines."""


class MetricsServer:
    """Answers `GET /metrics` and `HEAD /metrics` with what `page` returns, and refuses everything else.

    On localhost it answers only to this machine's names, and never to a page of another site: such a page could read
    it through a visitor's browser (DNS rebinding). If other machines may read it, so may they under any name.
    """

    def __init__(
        self,
        listening: socket.socket,
        page: Callable[[], str],
        *,
        names: Iterable[str] = (),
        deadline: float = DEADLINE,
    ) -> None:
        """Answer nothing yet.

        Args:
            listening: a socket of `address.listen`; `serve` closes it.
            page: returns the text; called on the loop, once per request.
            names: further host names to answer to.
            deadline: seconds that a connection may last.
        """
        self._listening, self._page, self._deadline = listening, page, deadline
        self._known = frozenset(name for each in (*names, socket.gethostname()) if (name := name_of(each)))
        self._any_name = not is_this_machine(listening.getsockname()[0])
        self._open: dict[asyncio.StreamWriter, None] = {}
        """The open connections, oldest first."""

    async def serve(self) -> None:
        """Answer until cancelled."""
        server = await asyncio.start_server(self._take, sock=self._listening, limit=_HEAD)
        try:
            await asyncio.Event().wait()
        finally:
            server.close()
            for writer in [*self._open]:
                writer.transport.abort()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while len(self._open) >= MOST:
            oldest = next(iter(self._open))
            del self._open[oldest]
            oldest.transport.abort()
        self._open[writer] = None
        try:
            async with asyncio.timeout(self._deadline):
                with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                    await self._answer(reader, writer)
                    writer.close()
                    await writer.wait_closed()
        except TimeoutError:
            pass
        finally:
            self._open.pop(writer, None)
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            head = b""
        line, *fields = head.split(b"\r\n")
        request = _REQUEST.fullmatch(line)
        if request is None:
            answer = _Answer("400 Bad Request", "This is not an HTTP request that can be read.\n")
        else:
            local = writer.get_extra_info("sockname")[0]
            answer = self._to(request[1], request[2].partition(b"?")[0], _headers(fields), local)
        body = answer.text.encode()
        lines = [
            f"HTTP/1.1 {answer.status}",
            f"Content-Type: {answer.type}",
            f"Content-Length: {len(body)}",
            "Connection: close",
        ]
        writer.write("\r\n".join([*lines, answer.more, ""] if answer.more else [*lines, ""]).encode() + b"\r\n")
        if request is None or request[1] != b"HEAD":
            writer.write(body)
        await writer.drain()

    def _to(self, method: bytes, path: bytes, headers: dict[str, str], local: str) -> _Answer:
        if refused := self._refusal(headers, local):
            return refused
        if path != b"/metrics":
            return _Answer("404 Not Found", "The metrics are at /metrics.\n")
        if method not in (b"GET", b"HEAD"):
            return _Answer("405 Method Not Allowed", "Only GET and HEAD are answered.\n", more="Allow: GET, HEAD")
        try:
            return _Answer("200 OK", self._page(), CONTENT_TYPE)
        except Exception:
            _log.exception("the metrics could not be written")
            return _Answer("500 Internal Server Error", "The metrics could not be written: see the log.\n")

    def _refusal(self, headers: dict[str, str], local: str) -> _Answer | None:
        host = headers.get("host", "")
        name = name_of(host) if host else name_of(local)  # HTTP/1.0 may leave it out; a browser never does
        if name is None:
            return _Answer("400 Bad Request", "The Host header is not a host.\n")
        if not self._any_name and not is_own(name, self._known, local):
            return _Answer("421 Misdirected Request", "These metrics are not served under that name.\n")
        if headers.get("sec-fetch-site", "none").lower() not in _OWN or _is_foreign(headers.get("origin"), host):
            return _Answer("403 Forbidden", "Pages of other sites may not read the metrics.\n")
        return None


def _headers(lines: list[bytes]) -> dict[str, str]:
    fields = (line.decode("latin-1").partition(":") for line in lines)
    return {name.strip().lower(): value.strip() for name, _, value in fields}


def _is_foreign(origin: str | None, host: str) -> bool:
    return origin is not None and origin.partition("://")[2].lower() != host.lower()
