"""Accepts a hall's connections, as many as it has room for."""

import asyncio
import contextlib
import errno
import json
import socket
import ssl
from collections.abc import Callable

from pyhall_tui.hall.guests import Guest, Guests

_OUT_OF = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_AT_ONCE = 32  # connections let in before others get their turn: in a flood each turn of the loop is long
_UNTIL_READ = 4  # turns of the loop from letting a connection in to reading what it sent: task, protocol, reader, read
_PAUSE = 0.2  # seconds until the next try when the system has no resources for another connection
_TLS_ENDS = 2.0  # seconds for a client to confirm the end of TLS
_SWEEP = 1.0  # most seconds between two searches for overdue connections
_BODY = json.dumps({"error": "the hall has no room for another connection: try again"}).encode()
_NO_ROOM = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\nconnection: close\r\n"
    b"content-length: %d\r\n\r\n%b" % (len(_BODY), _BODY)
)


class Acceptor:
    """Accepts connections on a listening socket until it is closed; replaces asyncio's `Server`.

    asyncio's own doesn't report a connection until its TLS handshake is done. When no more files can be opened, it logs
    a traceback every second for each connection in its backlog.

    Args:
        make: makes the protocol of a connection.
    """

    def __init__(
        self,
        listening: socket.socket,
        guests: Guests,
        make: Callable[[Guest], asyncio.Protocol],
        tls: ssl.SSLContext | None,
    ) -> None:
        self._listening, self._guests, self._make, self._tls = listening, guests, make, tls
        self._closed = False
        listening.setblocking(False)
        self._opening: set[asyncio.Task[None]] = set()
        self._running = [asyncio.create_task(self._accept()), asyncio.create_task(self._look_after())]

    def close(self) -> None:
        """Accept no more connections; open ones stay."""
        if not self._closed:
            self._closed = True
            for task in (*self._running, *self._opening):
                task.cancel()
            for notice in self._guests.notices():
                notice.say(last=True)

    async def wait_closed(self) -> None:
        """Wait until it is closed."""
        await asyncio.gather(*self._running, return_exceptions=True)
        self._listening.close()

    async def _look_after(self) -> None:
        patience = self._guests.patience
        pause = min(_SWEEP, *(each / 4 for each in (patience.first, patience.head, patience.body, patience.answer)))
        while True:
            await asyncio.sleep(pause)
            self._guests.close_overdue()
            for notice in self._guests.notices():
                notice.say()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        at_once = 0
        while not self._closed:
            try:
                connection, peer = await loop.sock_accept(self._listening)
            except OSError as error:
                await self._bear(error)
                continue
            self._take(connection, peer[0] if isinstance(peer, tuple) else "")
            at_once += 1
            if self._guests.full_up or at_once >= _AT_ONCE:
                at_once = 0
                await self._let_others_work()

    async def _let_others_work(self) -> None:
        """Free the file of a connection that was closed to make room; in a full hall, read first what has been sent.

        Otherwise the next newcomer would close a connection whose request has come, but has not been read.
        """
        for _ in range(_UNTIL_READ if self._guests.full_up else 1):
            await asyncio.sleep(0)

    async def _bear(self, error: OSError) -> None:
        """Continue after a failed accept: the client is gone already, or the system is out of resources."""
        if error.errno in _OUT_OF:
            self._guests.starved.count += 1
            self._guests.close_first()
        await asyncio.sleep(_PAUSE)

    def _take(self, connection: socket.socket, host: str) -> None:
        guest = self._guests.new(host)
        if not self._guests.let_in(guest):
            with connection, contextlib.suppress(OSError):
                if self._tls is None:
                    connection.send(_NO_ROOM)
            return
        task = asyncio.create_task(self._open(connection, guest))
        guest.end = task.cancel
        self._opening.add(task)

        def opened(task: asyncio.Task[None]) -> None:
            self._opening.discard(task)
            if task.cancelled():
                self._guests.left(guest)
                connection.close()  # if its task never started, nothing else closes it

        task.add_done_callback(opened)

    async def _open(self, connection: socket.socket, guest: Guest) -> None:
        """Hand a connection to its protocol after the TLS handshake."""
        limits = {"ssl_handshake_timeout": self._guests.patience.first, "ssl_shutdown_timeout": _TLS_ENDS}
        try:
            with contextlib.suppress(OSError):  # gone
                # asyncio does this only for sockets that name their protocol; without it a small answer waits 40 ms
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: self._make(guest), connection, ssl=self._tls, **(limits if self._tls else {})
            )
        except OSError as error:  # also from TLS: the client does not speak it, hung up, or took too long
            self._guests.garbled.count += not _tries_plain_http_here(error, guest)
            self._guests.left(guest)
            connection.close()


def _tries_plain_http_here(error: OSError, guest: Guest) -> bool:
    """Whether a program on this machine sent a request without TLS, as `pyhall-tui health` does first (`source_of`)."""
    return getattr(error, "reason", None) == "HTTP_REQUEST" and guest.source == ""
