"""HTTP/1.1 as the hall accepts it: no byte is ambiguous, and the hall waits only so long for a client."""

import asyncio
import socket
import struct
import sys
from contextlib import suppress
from enum import Enum, auto
from logging import ERROR, getLogger
from typing import Any

import h11
import msgspec
from h11._receivebuffer import ReceiveBuffer
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from pyhall_tui.hall.guests import Guest, Guests
from pyhall_tui.hall.one_write import OneWrite
from pyhall_tui.hall.plain_request import PlainCycle, PlainRequest, read_plain
from pyhall_tui.hall.wire import MAX_BODY

MAX_HEAD = 64 * 1024  # bytes; no client of the contract comes close
_MAX_REQUEST = 2 * MAX_BODY + MAX_HEAD  # bytes on the wire, including what chunks add to a body
_FRAMING = (b"content-length", b"transfer-encoding")
_TELLS = getLogger(f"{__name__}.faults")  # only the hall's own faults; what strangers cause is counted, not logged
_TELLS.setLevel(ERROR)
_BETWEEN = {h11.CLIENT: h11.IDLE, h11.SERVER: h11.IDLE}
_REASONS = {
    400: "Bad Request",
    408: "Request Timeout",
    413: "Content Too Large",
    431: "Request Header Fields Too Large",
}


class _Lines(ReceiveBuffer):
    """h11's buffer, but refuses whatever another server on the way could read differently in heads and trailers.

    h11 accepts a bare line feed as a line's end, joins folded lines, allows `Content-Length` beside
    `Transfer-Encoding`, and limits only the size of an incomplete head (RFC 9112, sections 2.2, 5.2, 6.1, 6.3).
    """

    def __init__(self, conn: h11.Connection) -> None:
        super().__init__()
        self._conn = conn

    def maybe_extract_lines(self) -> list[bytearray] | None:
        """Return the lines up to the next empty one, or None if it has not arrived yet."""
        empty = self._data.startswith(b"\r\n")
        end = 2 if empty else self._data.find(b"\r\n\r\n", 0, MAX_HEAD) + 4
        complete = end > 3 or empty
        if not complete and len(self._data) > MAX_HEAD:
            raise h11.LocalProtocolError("the head is too long", error_status_hint=431)
        _check_line_ends(bytes(self._data[:end] if complete else self._data), complete)
        if not complete:
            return None
        lines = super().maybe_extract_lines() or []
        if self._conn.their_state is h11.IDLE and lines:
            _check_request_line(bytes(lines[0]))
        _check_fields(lines)
        return lines


def _check_line_ends(head: bytes, complete: bool) -> None:
    ends = head.count(b"\r\n")
    half_an_end = not complete and head.endswith(b"\r")
    if head.count(b"\n") != ends or head.count(b"\r") != ends + half_an_end:
        raise h11.LocalProtocolError("a line ends in something else than CR LF")
    if b"\n " in head or b"\n\t" in head:
        raise h11.LocalProtocolError("a header is folded over lines")
    if b"\0" in head:
        raise h11.LocalProtocolError("a NUL")


def _check_request_line(line: bytes) -> None:
    """Refuse a target that names a host: only the `Host` header counts here (and h11 requires it)."""
    _, target, version = [*line.split(b" "), b"", b""][:3]
    if version not in (b"HTTP/1.0", b"HTTP/1.1"):
        raise h11.LocalProtocolError("another version than HTTP/1.0 and 1.1")
    if not target.startswith(b"/") and target != b"*":
        raise h11.LocalProtocolError("the target is not a path")


def _check_fields(lines: list[bytearray]) -> None:
    framing = [name for line in lines if (name := bytes(line).partition(b":")[0].lower()) in _FRAMING]
    if len(framing) > 1:
        raise h11.LocalProtocolError("the body's length is stated twice")
    if b"transfer-encoding" in framing and lines[0].endswith(b" HTTP/1.0"):
        raise h11.LocalProtocolError("HTTP/1.0 has no Transfer-Encoding")


def _strict_connection() -> h11.Connection:
    """Return a connection with our buffer. h11 makes its own and has no parameter for it (as of 0.16)."""
    connection = h11.Connection(h11.SERVER, MAX_HEAD)
    connection._receive_buffer = _Lines(connection)  # noqa: SLF001
    return connection


class _Phase(Enum):
    SILENT = auto()  # connected, but has sent nothing yet
    HEAD = auto()
    BODY = auto()
    WORK = auto()  # the client waits for the hall
    ANSWER = auto()  # the client does not read what is sent
    IDLE = auto()  # between two requests


class HallProtocol(H11Protocol):
    """A connection that the hall gives up on when its client takes too long or sends invalid HTTP.

    The app finds the transport in its scope, as `state["transport"]`.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        loop: asyncio.AbstractEventLoop,
        guests: Guests,
        guest: Guest,
    ) -> None:
        super().__init__(config, server_state, app_state, loop)
        self.conn = _strict_connection()
        self.logger = _TELLS
        self._guests, self._guest = guests, guest
        self._phase = _Phase.SILENT
        self._taken = 0  # bytes of this request
        self._held = b""  # what came while a plain request is worked on

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start: the first byte has to arrive soon."""
        super().connection_made(transport)
        self._out = OneWrite(transport, self.loop)
        self.transport = self._out  # type: ignore[assignment]  # a transport, as far as it is used
        self.app_state = {**self.app_state, "transport": transport}
        self._guest.end = self.give_up

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._guests.left(self._guest)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Accept what the client sends."""
        self._taken += len(data)
        if self._taken > _MAX_REQUEST:
            self._guests.garbled.count += 1
            self._refuse(413, f"the request is longer than {_MAX_REQUEST} bytes")
            return
        if isinstance(self.cycle, PlainCycle) and not self.cycle.response_complete:
            self._held += data
            self.flow.pause_reading()
        elif self._between_requests() and (plain := read_plain(data)):
            self._serve(plain)
        else:
            super().data_received(data)
        self._look()
        if self._phase is not _Phase.WORK:
            self._guests.heard(self._guest)

    def _between_requests(self) -> bool:
        return self._phase in (_Phase.SILENT, _Phase.IDLE) and self.conn.states == _BETWEEN

    def _serve(self, request: PlainRequest) -> None:
        """Have a plain request answered, as h11's part of uvicorn has all others."""
        self._unset_keepalive_if_required()
        path, _, query = request.target.partition(b"?")
        scope: Any = {
            "type": "http",
            "asgi": {"version": self.config.asgi_version, "spec_version": "2.3"},
            "http_version": "1.1",
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "method": request.method.decode("ascii"),
            "root_path": self.root_path,
            "path": path.decode("ascii"),  # percent-encoded, as the hall takes it
            "raw_path": path,
            "query_string": query,
            "headers": request.headers,
            "state": self.app_state.copy(),
        }
        self.cycle = cycle = PlainCycle(
            scope=scope,
            conn=self.conn,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            on_response=self.on_response_complete,
        )
        cycle.body, cycle.more_body = bytearray(request.body), False
        cycle.message_event.set()
        task = self.loop.create_task(cycle.run_asgi(self.app))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    def handle_events(self) -> None:
        """Handle what has arrived."""
        if not self.transport.is_closing():
            super().handle_events()

    def on_response_complete(self) -> None:
        """Continue with the next request."""
        self._out.flush()
        if self.conn.their_state is not h11.SEND_BODY:
            self._taken = 0
        super().on_response_complete()
        self._look()
        if self._held:
            held, self._held = self._held, b""
            if not self.transport.is_closing():
                self.data_received(held)

    def pause_writing(self) -> None:
        """Wait until the client reads."""
        super().pause_writing()
        self._look()

    def resume_writing(self) -> None:
        """Continue sending."""
        super().resume_writing()
        self._look()

    def _look(self) -> None:
        """Work out which side this connection waits for now."""
        phase = self._now()
        if phase is self._phase:
            return
        self._phase = phase
        patience = self._guests.patience
        waits = {
            _Phase.HEAD: patience.head,
            _Phase.BODY: patience.body,
            _Phase.ANSWER: patience.answer,
            _Phase.IDLE: self.timeout_keep_alive + patience.first,  # uvicorn closes it earlier
        }
        if phase in waits:
            self._guests.wait_for(self._guest, waits[phase])
        else:
            self._guests.serve(self._guest)

    def _now(self) -> _Phase:
        if self.flow.write_paused or self.transport.is_closing():
            return _Phase.ANSWER
        if self.conn.their_state is h11.SEND_BODY:
            return _Phase.BODY
        if self.cycle is not None and not self.cycle.response_complete:
            return _Phase.WORK
        return _Phase.HEAD if self.conn.trailing_data[0] else _Phase.IDLE

    def give_up(self) -> None:
        """Close the connection now; a client in the middle of a request is told why."""
        if self._phase in (_Phase.HEAD, _Phase.BODY):
            self._refuse(408, "the rest of the request did not come in time")
        elif self._phase is _Phase.ANSWER:  # reset: else the system keeps megabytes for minutes
            linger = struct.pack("ii", 1, 0) if sys.platform != "win32" else struct.pack("hh", 1, 0)
            with suppress(OSError):
                self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """Refuse invalid HTTP, in JSON like everything else."""
        self._guests.garbled.count += 1
        self._refuse(431 if getattr(sys.exc_info()[1], "error_status_hint", 0) == 431 else 400, msg)

    def _refuse(self, status: int, said: str) -> None:
        """Answer and close; just close if this request already has an answer or the beginning of one."""
        waited_for = self._phase is not _Phase.WORK or not isinstance(self.cycle, PlainCycle)
        if waited_for and self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE) and not self.transport.is_closing():
            body = msgspec.json.encode({"error": said})
            head = f"content-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close"
            self.transport.write(f"HTTP/1.1 {status} {_REASONS[status]}\r\n{head}\r\n\r\n".encode() + body)
        self.transport.close()
        self._look()
